//! Assertions on `application/problem+json` (RFC 9457), in one place, so that every error of every layer is held to all
//! that http-api promises of an error and not only to its status.

use serde_json::Value;

use super::client::Answer;

/// Fails unless the answer is a whole problem with this status and code; gives it back for a look at its details.
#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, status: u16, code: &str) -> Value {
    let shown = format!("{} {:?} {}", answer.status, answer.headers, answer.text());
    assert_eq!(answer.status, status, "{shown}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{shown}"
    );
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{shown}");
    assert_eq!(problem["type"], format!("/problems/{code}"), "{shown}");
    assert_eq!(problem["status"], status, "{shown}");
    assert!(
        problem["title"]
            .as_str()
            .is_some_and(|title| !title.is_empty()),
        "no title: {shown}"
    );
    assert!(
        answer.header("x-request-id").is_some(),
        "no request id: {shown}"
    );
    assert_eq!(
        problem["request_id"].as_str(),
        answer.header("x-request-id"),
        "{shown}"
    );
    let known = [
        "type",
        "title",
        "status",
        "detail",
        "code",
        "request_id",
        "errors",
    ];
    for member in problem.as_object().expect("an object").keys() {
        assert!(
            known.contains(&member.as_str()),
            "an unexpected member, {member}: {shown}"
        );
    }
    problem
}

/// Fails unless the problem blames exactly these fields, in any order.
#[track_caller]
pub(crate) fn assert_fields(problem: &Value, expected: &[&str]) {
    let errors = problem["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("no errors in {problem}"));
    let mut fields: Vec<_> = errors
        .iter()
        .map(|error| error["field"].as_str().expect("a field"))
        .collect();
    fields.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(fields, expected, "{problem}");
    let said = errors.iter().all(|error| {
        error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    });
    assert!(said, "an error without a message: {problem}");
}

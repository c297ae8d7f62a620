//! The `Idempotency-Key`: what is one key and what is none, whose it is, which requests are the same, how long it counts.
//! Which answers it keeps is in `remembering`.

use serde_json::{Value, json};

use super::{Contents, basket, id, is_replayed, placing, step, stock};
use crate::support::client::{Account, Answer};
use crate::support::database::Backend;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::raw::RawResponse;
use crate::support::test_app::TestApp;

/// Fails unless this is the first answer, given again.
#[track_caller]
fn assert_replays(answer: &Answer, first: &Answer) {
    assert_eq!(answer.status, first.status, "{}", answer.text());
    assert!(is_replayed(answer) && !is_replayed(first));
    assert_eq!(answer.text(), first.text());
    assert_eq!(answer.header("location"), first.header("location"));
    assert_eq!(answer.header("content-type"), first.header("content-type"));
    assert_ne!(answer.header("x-request-id"), first.header("x-request-id"));
}

on_both!(a_repeated_key_replays_the_first_answer_to_the_byte);
async fn a_repeated_key_replays_the_first_answer_to_the_byte(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup) = (app.product("MUG", 5).await, app.product("CUP", 5).await);
    let body = basket(&[(&mug, 2), (&cup, 1)]);
    let first = placing(&app, &buyer, &body)
        .key("k")
        .send()
        .await
        .expect(201);
    let stored = Contents::of(app.database());
    assert_replays(&placing(&app, &buyer, &body).key("k").send().await, &first);
    assert_eq!(Contents::of(app.database()), stored);

    // It is the first answer that is given again, not the order as it stands.
    step(&app, &app.operator().await, id(&first.json()), "pay")
        .await
        .expect(200);
    assert_replays(&placing(&app, &buyer, &body).key("k").send().await, &first);
    step(&app, &buyer, id(&first.json()), "cancel")
        .await
        .expect(200);
    assert_replays(&placing(&app, &buyer, &body).key("k").send().await, &first);
    assert_eq!((stock(&app, &mug).await, stock(&app, &cup).await), (5, 5));
    assert_eq!(Contents::of(app.database()).orders, 1);
}

on_both!(quoted_and_bare_are_one_key);
async fn quoted_and_bare_are_one_key(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 50).await;
    let body = basket(&[(&mug, 1)]);
    let longest = "x".repeat(255);
    let (quoted_longest, escaped) = (
        format!("\"{longest}\""),
        format!("\"{}\"", r"\\".repeat(255)),
    );
    let spellings: [&[&str]; 6] = [
        &["k", "\"k\"", " k ", "\t\"k\""],
        &["K"],
        &[
            "8e03978e-40d5-43e8-bc93-6894a57f9324",
            "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
        ],
        &[r#""a\"b""#, r#"a"b"#],
        &[&longest, &quoted_longest],
        &[&escaped],
    ];
    for one_key in spellings {
        let first = placing(&app, &buyer, &body)
            .key(one_key[0])
            .send()
            .await
            .expect(201);
        assert!(!is_replayed(&first), "{one_key:?}");
        for spelling in one_key {
            assert_replays(
                &placing(&app, &buyer, &body).key(spelling).send().await,
                &first,
            );
        }
    }
    assert_eq!(Contents::of(app.database()).keys, 6);
}

on_both!(the_spelling_of_a_body_does_not_matter);
async fn the_spelling_of_a_body_does_not_matter(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 5).await;
    let first = placing(&app, &buyer, &basket(&[(&mug, 2)]))
        .key("k")
        .send()
        .await
        .expect(201);
    let loud = mug.to_uppercase();
    for body in [
        format!("{{\"items\":[{{\"product_id\":\"{mug}\",\"quantity\":2}}]}}"),
        format!("{{\"items\":[{{\"quantity\":2,\"product_id\":\"{mug}\"}}]}}"),
        format!("\r\n{{ \"items\" :\t[ {{\n\"quantity\": 2 , \"product_id\" : \"{mug}\" }} ] }}\n"),
        format!("{{\"items\":[{{\"product_id\":\"{loud}\",\"quantity\":2}}]}}"),
        format!("{{\"\\u0069tems\":[{{\"product_id\":\"{mug}\",\"quantity\":2}}]}}"),
    ] {
        let call = app.post("/api/v1/orders").token(&buyer).key("k");
        assert_replays(&call.body("application/json", body).send().await, &first);
    }
    assert_eq!(stock(&app, &mug).await, 3);
}

on_both!(a_key_with_another_body_is_refused_and_stays_good_for_its_own);
async fn a_key_with_another_body_is_refused_and_stays_good_for_its_own(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup) = (app.product("MUG", 5).await, app.product("CUP", 5).await);
    let body = basket(&[(&mug, 1), (&cup, 1)]);
    let first = placing(&app, &buyer, &body)
        .key("k")
        .send()
        .await
        .expect(201);
    let stored = Contents::of(app.database());
    for other in [
        basket(&[(&mug, 2), (&cup, 1)]),
        basket(&[(&mug, 1)]),
        // Its answer would list the lines in another order.
        basket(&[(&cup, 1), (&mug, 1)]),
        basket(&[(&mug, 1000), (&cup, 1)]),
    ] {
        let refused = placing(&app, &buyer, &other).key("k").send().await;
        assert_problem(&refused, 422, "idempotency_key_reuse");
        assert!(!is_replayed(&refused));
    }
    // What breaks a rule is told so before anybody looks for its key.
    let broken = placing(&app, &buyer, &json!({"items": []}))
        .key("k")
        .send()
        .await;
    assert_problem(&broken, 422, "invalid_body");
    assert_eq!(Contents::of(app.database()), stored);
    assert_replays(&placing(&app, &buyer, &body).key("k").send().await, &first);
}

on_both!(a_key_is_its_accounts_own);
async fn a_key_is_its_accounts_own(app: TestApp) {
    let (one, other) = (
        app.register("one@example.com").await,
        app.register("other@example.com").await,
    );
    let mug = app.product("MUG", 5).await;
    let body = basket(&[(&mug, 1)]);
    let ones = placing(&app, &one, &body).key("k").send().await.expect(201);
    let others = placing(&app, &other, &body)
        .key("k")
        .send()
        .await
        .expect(201);
    assert!(!is_replayed(&others));
    assert_ne!(id(&ones.json()), id(&others.json()));
    // Another body under it is no reuse of somebody else's key.
    let operator = app.operator().await;
    placing(&app, &operator, &basket(&[(&mug, 2)]))
        .key("k")
        .send()
        .await
        .expect(201);
    assert_replays(&placing(&app, &one, &body).key("k").send().await, &ones);
    assert_replays(&placing(&app, &other, &body).key("k").send().await, &others);
    assert_eq!(
        (stock(&app, &mug).await, Contents::of(app.database()).keys),
        (1, 3)
    );
}

on_both!(without_a_key_the_same_body_is_another_order);
async fn without_a_key_the_same_body_is_another_order(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 5).await;
    let one = placing(&app, &buyer, &basket(&[(&mug, 1)]))
        .send()
        .await
        .expect(201);
    let other = placing(&app, &buyer, &basket(&[(&mug, 1)]))
        .send()
        .await
        .expect(201);
    assert_ne!(id(&one.json()), id(&other.json()));
    assert_eq!(
        (stock(&app, &mug).await, Contents::of(app.database()).keys),
        (3, 0)
    );
}

/// Sends the lines as they are: what is tested is what no client library would send.
async fn place_with_lines(
    app: &TestApp,
    account: &Account,
    body: &Value,
    lines: &[u8],
) -> RawResponse {
    let body = body.to_string();
    let mut request = format!(
        "POST /api/v1/orders HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        account.access_token, body.len(),
    )
    .into_bytes();
    request.extend_from_slice(lines);
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body.as_bytes());
    let mut connection = app.raw().await;
    connection.send(request).await;
    connection.response().await.expect("an answer")
}

on_both!(what_is_no_key_is_refused);
async fn what_is_no_key_is_refused(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 50).await;
    let body = basket(&[(&mug, 1)]);
    let before = Contents::of(app.database());
    let header = |value: &[u8]| [b"Idempotency-Key: ", value, b"\r\n"].concat();
    let too_long = [
        "x".repeat(256),
        format!("\"{}\"", "x".repeat(256)),
        "x".repeat(4000),
    ];
    let mut refused: Vec<Vec<u8>> = too_long.iter().map(|key| header(key.as_bytes())).collect();
    let malformed: [&[u8]; 18] = [
        b"",
        b"   ",
        b"\"\"",
        b"a b",
        b"\"a b\"",
        b"a, b",
        b"a\tb",
        b"\"\t\"",
        b"\xe4",
        "ä".as_bytes(),
        b"\"\xff\"",
        b"\"",
        b"\"k",
        b"\"k\\\"",
        b"\"k\"x",
        b"\"k\", \"l\"",
        b"\"k\";p=1",
        b"\"a\\b\"",
    ];
    refused.extend(malformed.map(header));
    refused.push([header(b"k"), header(b"k")].concat());
    refused.push([header(b"k"), b"idempotency-key: l\r\n".to_vec()].concat());
    refused.push([header(b"k"), header(b"")].concat());
    for lines in refused {
        let answer = place_with_lines(&app, &buyer, &body, &lines).await;
        let shown = format!("{}: {}", lines.escape_ascii(), answer.text());
        assert_eq!(answer.status, 400, "{shown}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{shown}"
        );
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["code"], "invalid_idempotency_key", "{shown}");
        assert_eq!(
            problem["request_id"].as_str(),
            answer.header("x-request-id"),
            "{shown}"
        );
    }
    // These end a request before there is one: the parser says so, without a body.
    for control in [0_u8, 1, 7, 10, 11, 13, 27, 31, 127] {
        let answer = place_with_lines(&app, &buyer, &body, &header(&[b'a', control, b'b'])).await;
        assert_eq!(answer.status, 400, "{control}: {}", answer.text());
    }
    assert_eq!(Contents::of(app.database()), before);
    assert_eq!(
        place_with_lines(&app, &buyer, &body, &header(b"k"))
            .await
            .status,
        201,
        "the request itself is good"
    );
}

/// Makes all records so many seconds older.
fn age(app: &TestApp, seconds: u32) {
    let database = app.database();
    let earlier = match database.backend() {
        Backend::Postgres => format!("created_at - interval '{seconds} seconds'"),
        Backend::Sqlite => {
            format!("strftime('%Y-%m-%dT%H:%M:%f000Z', created_at, '-{seconds} seconds')")
        }
    };
    database.execute(&format!(
        "UPDATE idempotency_keys SET created_at = {earlier}"
    ));
}

on_both!(after_a_day_a_key_is_free_and_not_before);
async fn after_a_day_a_key_is_free_and_not_before(app: TestApp) {
    const DAY: u32 = 24 * 60 * 60;
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 5).await;
    let body = basket(&[(&mug, 1)]);
    let first = placing(&app, &buyer, &body)
        .key("k")
        .send()
        .await
        .expect(201);
    age(&app, DAY - 120);
    assert_replays(&placing(&app, &buyer, &body).key("k").send().await, &first);
    age(&app, 121);
    // Free for anything, and the record of it is the new one's.
    let other = basket(&[(&mug, 2)]);
    let second = placing(&app, &buyer, &other)
        .key("k")
        .send()
        .await
        .expect(201);
    assert!(!is_replayed(&second));
    assert_ne!(id(&first.json()), id(&second.json()));
    assert_replays(
        &placing(&app, &buyer, &other).key("k").send().await,
        &second,
    );
    assert_problem(
        &placing(&app, &buyer, &body).key("k").send().await,
        422,
        "idempotency_key_reuse",
    );
    let contents = Contents::of(app.database());
    assert_eq!((contents.orders, contents.keys, contents.pieces), (2, 1, 2));
}

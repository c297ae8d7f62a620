//! What is there for people and for browsers: the landing page, the page of each problem code, and the API reference with
//! everything that it loads. All of it comes from this service, and none of it leads nowhere.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::client::Answer;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// As browsers ask.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn as_browser(app: &TestApp, path: &str) -> Answer {
    let answer = app.get(path).header("accept", BROWSER).send().await;
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("text/html; charset=utf-8"), "{path}");
    answer.expect(200)
}

/// The values of these attributes in a page, in their order.
fn attributes(page: &str, names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        let mark = format!(" {name}=\"");
        let parts = page.split(&*mark).skip(1);
        found.extend(parts.filter_map(|part| Some(part.split_once('"')?.0.to_owned())));
    }
    found
}

/// Fails unless a page brings nothing from elsewhere, and its policy would not let it.
#[track_caller]
fn assert_of_this_house(page: &Answer) {
    let text = page.text();
    for loaded in attributes(&text, &["src", "href", "action"]) {
        let is_own = !loaded.contains("//") && !loaded.starts_with('/');
        assert!(is_own, "{loaded} is not below this service: {text}");
    }
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for source in ["http:", "https:", "*", "'unsafe-eval'"] {
        let words = policy.split([' ', ';']);
        assert!(words.clone().all(|word| word != source), "{policy}");
    }
    assert!(!policy.contains("://"), "{policy}");
}

/// The source of the service, without the tests in it.
fn source() -> String {
    let mut all = String::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                all.push_str(text.split("#[cfg(test)]").next().unwrap());
            }
        }
    }
    all
}

/// Every problem code that the source declares, as itself or by the name of a constant.
fn declared_codes() -> BTreeSet<String> {
    let source = source();
    let code = |declaration: &str| {
        let (_, value) = declaration.split_once("code: ")?;
        let value = match value.split_once("::CODE,") {
            Some((name, _)) if !name.contains('\n') => {
                source.split_once("const CODE: &'static str = ")?.1
            }
            _ => value,
        };
        Some(value.strip_prefix('"')?.split_once('"')?.0.to_owned())
    };
    let declarations = source.split(": ProblemType = ProblemType {").skip(1);
    declarations
        .map(|declaration| code(declaration).expect("a code"))
        .collect()
}

#[test]
fn every_problem_that_the_source_declares_has_a_page_and_none_besides() {
    let pages: BTreeSet<String> = glasshouse::app::explanations()
        .all()
        .iter()
        .map(|problem| problem.code.to_owned())
        .collect();
    assert!(pages.len() > 20, "{pages:?}");
    assert_eq!(pages, declared_codes());
}

on_both!(every_problem_code_is_explained_to_programs_and_to_people);
async fn every_problem_code_is_explained_to_programs_and_to_people(app: TestApp) {
    for code in declared_codes() {
        let path = format!("/problems/{code}");
        let answer = app.get(&path).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let explained = answer.json();
        assert_eq!(explained.as_object().unwrap().len(), 5, "{explained}");
        assert_eq!(explained["code"], *code);
        let status = explained["status"].as_u64().unwrap();
        assert!((400..600).contains(&status), "{explained}");
        let page = as_browser(&app, &path).await;
        assert_of_this_house(&page);
        // The text of the page, without its tags.
        let text: String = page
            .text()
            .split('<')
            .filter_map(|part| part.split_once('>').map(|(_, text)| text))
            .collect();
        let text = text
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        for member in ["title", "meaning", "remedy"] {
            let said = explained[member].as_str().unwrap();
            assert!(said.len() > 5, "{explained}");
            assert!(text.contains(&said.replace('`', "")), "{said} in {text}");
        }
        for said in [&*code, &*status.to_string()] {
            assert!(text.contains(said), "{said} in {text}");
        }
    }
    for unknown in ["/problems/nonsense", "/problems/", "/problems/NOT_FOUND"] {
        let answer = app.get(unknown).header("accept", BROWSER).send().await;
        assert_problem(&answer, 404, "not_found");
    }
}

on_both!(the_landing_page_leads_to_everything_and_nothing_of_it_is_dead);
async fn the_landing_page_leads_to_everything_and_nothing_of_it_is_dead(app: TestApp) {
    let answer = app.get("/").send().await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let landing = answer.json();
    assert_eq!(landing["name"], "glasshouse");
    assert_eq!(landing["version"], env!("CARGO_PKG_VERSION"));
    assert!(!landing["revision"].as_str().unwrap().is_empty());
    let links = landing["links"].as_object().unwrap();
    let places: BTreeSet<&str> = links.values().filter_map(Value::as_str).collect();
    let expected = [
        "/docs",
        "/health",
        "/health/live",
        "/health/ready",
        "/openapi.json",
    ];
    assert_eq!(places, BTreeSet::from(expected));
    for place in &places {
        app.get(place).send().await.expect(200);
    }

    let page = as_browser(&app, "/").await;
    assert_of_this_house(&page);
    let text = page.text();
    assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    let linked: BTreeSet<String> = attributes(&text, &["href"])
        .into_iter()
        .map(|link| format!("/{link}"))
        .collect();
    assert_eq!(linked, places.iter().map(ToString::to_string).collect());
}

on_both!(the_api_reference_loads_from_this_service_alone);
async fn the_api_reference_loads_from_this_service_alone(app: TestApp) {
    let page = as_browser(&app, "/docs").await;
    assert_of_this_house(&page);
    let text = page.text();
    assert!(text.contains("API reference"), "{text}");
    let loaded = attributes(&text, &["src", "href"]);
    assert!(loaded.len() >= 5, "{loaded:?}");
    for file in &loaded {
        // Relative to /docs, so beside it.
        let answer = app.get(&format!("/{file}")).send().await.expect(200);
        assert!(!answer.body.is_empty(), "{file}");
        let kind = answer.header("content-type").expect("a type");
        let extension = file.rsplit_once('.').expect("an extension").1;
        let expected = match extension {
            "css" => "text/css",
            "js" => "javascript",
            "png" => "image/png",
            other => panic!("what is {other}?"),
        };
        assert!(kind.contains(expected), "{file}: {kind}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    // And what it shows is this API.
    let initializer = loaded.iter().find(|file| file.contains("initializer"));
    let path = format!("/{}", initializer.expect("it is told what to show"));
    let script = app.get(&path).send().await.expect(200).text();
    assert!(script.contains("\"openapi.json\""), "{script}");
    assert!(!script.contains("http"), "{script}");
}

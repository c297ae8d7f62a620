//! Who is let into the guarded routes of the admin listener, asked of the whole service: tokens, names, pages of strangers,
//! and the problem that each refusal is. Peers from elsewhere are in `src/admin/frame.rs`: a test has this machine only.

use glasshouse::settings::Settings;
use serde_json::json;

use crate::support::client::{Answer, Call, Client};
use crate::support::database::Backend;
use crate::support::json::assert_problem;
use crate::support::test_app::{TestApp, run};

const TOKEN: &str = "a-token-of-some-length";

/// Every route that is guarded, as it is asked for. Asking changes nothing for long.
const GUARDED: [(&str, &str); 10] = [
    ("GET", "/"),
    ("GET", "/config"),
    ("HEAD", "/config"),
    ("GET", "/log"),
    ("HEAD", "/log"),
    ("PUT", "/log"),
    ("POST", "/ready/hold"),
    ("DELETE", "/ready/hold"),
    ("GET", "/nowhere"),
    ("BREW", "/config"),
];

const OPEN: [&str; 4] = ["/metrics", "/health", "/health/live", "/health/ready"];

fn test(options: fn(&mut Settings), test: impl AsyncFnOnce(TestApp)) {
    run::<TestApp>(Backend::Sqlite, options, test);
}

fn ask(admin: &Client, (method, path): (&str, &str)) -> Call {
    let call = admin.call(method, path);
    if method == "PUT" {
        // What is asked of a route that was reached shows in its own refusal.
        call.json(&json!({}))
    } else {
        call
    }
}

/// Fails unless it was refused so, whether there is a body to say it in or not.
#[track_caller]
fn assert_refused(answer: &Answer, method: &str, status: u16, code: &str) {
    if method == "HEAD" {
        assert_eq!(answer.status, status);
        assert!(answer.body.is_empty());
    } else {
        assert_problem(answer, status, code);
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fn with_token(settings: &mut Settings) {
    settings.admin.token = Some(TOKEN.into());
}

#[test]
fn without_the_token_every_guarded_route_says_that_it_is_required() {
    test(with_token, async |app| {
        for route in GUARDED {
            for authorization in [
                None,
                Some("Bearer another-token-of-some-length"),
                Some("Bearer "),
                Some(TOKEN),
            ] {
                let call = ask(app.admin(), route);
                let call = match authorization {
                    Some(value) => call.header("authorization", value),
                    None => call,
                };
                let answer = call.send().await;
                assert_refused(&answer, route.0, 401, "admin_token_required");
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.starts_with("Basic realm="), "{challenge}");
            }
            // With it one gets to the route, and to what there is to say there.
            let answer = ask(app.admin(), route).bearer(TOKEN).send().await;
            let expected = match route {
                ("GET", "/nowhere") => 404,
                ("BREW", _) => 405,
                ("PUT", _) => 422,
                _ => 200,
            };
            assert_eq!(answer.status, expected, "{route:?}: {}", answer.text());
        }
        for path in OPEN {
            app.admin().get(path).send().await.expect(200);
        }
        // An access token of the API is no admin token.
        let operator = app.operator().await;
        let answer = app.admin().get("/config").token(&operator).send().await;
        assert_problem(&answer, 401, "admin_token_required");
    });
}

#[test]
fn a_name_that_is_not_this_listeners_is_refused_whatever_token_is_shown() {
    fn named(settings: &mut Settings) {
        settings.admin.token = Some(TOKEN.into());
        settings.admin.allowed_hosts = vec!["admin.example".to_owned()];
    }
    test(named, async |app| {
        for route in GUARDED {
            for host in [
                "evil.example",
                "admin.example.evil.example",
                "127.0.0.1.evil.example",
                "sub.admin.example:9464",
                "admin.example:http",
            ] {
                let call = ask(app.admin(), route).header("host", host);
                let answer = call.bearer(TOKEN).send().await;
                assert_refused(&answer, route.0, 421, "admin_host_unknown");
            }
        }
        for host in [
            "admin.example",
            "Admin.Example:9464",
            "localhost:1",
            "127.0.0.1:9464",
            "192.0.2.7",
            "[::1]:9464",
        ] {
            let call = app.admin().get("/config").header("host", host);
            call.bearer(TOKEN).send().await.expect(200);
        }
        for path in OPEN {
            let call = app.admin().get(path).header("host", "evil.example");
            call.send().await.expect(200);
        }
    });
}

#[test]
fn without_a_setting_no_name_but_localhost_is_this_listeners() {
    test(
        |_| {},
        async |app| {
            let call = app.admin().get("/config").header("host", "admin.example");
            assert_problem(&call.send().await, 421, "admin_host_unknown");
            let call = app.admin().get("/config").header("host", "localhost:9464");
            call.send().await.expect(200);
        },
    );
}

#[test]
fn a_page_of_this_listener_may_change_things_and_that_of_a_stranger_may_not() {
    test(
        |_| {},
        async |app| {
            let own = app.admin().address();
            let hold = async |origin: &str| {
                let call = app.admin().post("/ready/hold");
                call.header("origin", origin).send().await
            };
            for stranger in [
                "http://evil.example",
                "null",
                "http://127.0.0.1",
                &*format!("http://{own}.evil.example"),
                &*format!("ftp://{own}"),
                &*format!("http://{own}/"),
            ] {
                assert_problem(&hold(stranger).await, 403, "admin_origin_foreign");
                let call = ask(app.admin(), ("PUT", "/log"));
                let answer = call.header("origin", stranger).send().await;
                assert_problem(&answer, 403, "admin_origin_foreign");
                // Reading changes nothing, and a browser does not show the answer to a stranger's page.
                let call = app.admin().get("/config").header("origin", stranger);
                let read = call.send().await.expect(200);
                assert_eq!(read.header("access-control-allow-origin"), None);
            }
            app.admin().get("/health/ready").send().await.expect(200);
            for page in [format!("http://{own}"), format!("https://{own}")] {
                assert_eq!(hold(&page).await.expect(200).json()["held"], true);
            }
            app.admin().get("/health/ready").send().await.expect(503);
            let call = app.admin().delete("/ready/hold");
            let released = call.header("origin", &format!("http://{own}")).send();
            released.await.expect(200);
            app.admin().get("/health/ready").send().await.expect(200);
        },
    );
}

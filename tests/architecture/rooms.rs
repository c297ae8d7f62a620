//! Who may know whom: the floors of docs/architecture.md, what each kind of file in a subject may use, and the rooms
//! that libraries are kept in. A new room needs a floor here, which is the moment to think about where it belongs.

use crate::source::SourceFile;

/// From the roof to the ground. A room uses only rooms on floors below its own; those beside it are strangers.
const FLOORS: [&[&str]; 10] = [
    &["main"],
    &["cli"],
    &["app"],
    &["orders"],
    &["admin", "catalog", "outbox"],
    // Below the other subjects, because it gives them the extractor that says who is asking.
    &["accounts"],
    // Above the database, because one place turns its failures into answers: `http/problem/database.rs`.
    &["http"],
    &["database"],
    &["telemetry"],
    // Planted bugs know nobody, and are in no release.
    &["lifecycle", "planted", "settings"],
];

/// What this service is about. All other rooms survive when these are deleted.
const SUBJECTS: [&str; 3] = ["accounts", "catalog", "orders"];

/// Rooms that work for any subject and therefore know none.
const MACHINERY: [&str; 6] = [
    "admin",
    "database",
    "http",
    "lifecycle",
    "settings",
    "telemetry",
];

/// Files that hold decisions without doing anything, besides every room's `model`.
const PURE: [&str; 5] = [
    "src/accounts/password.rs",
    "src/accounts/token/",
    "src/orders/idempotency.rs",
    "src/orders/status.rs",
    "src/outbox/event.rs",
];

/// Libraries and functions with the only places that may name them.
const CONFINED: [(&[&str], &[&str]); 8] = [
    (
        &["diesel", "diesel_migrations"],
        &["src/database/", "*/store.rs", "*/store/"],
    ),
    (&["deadpool", "deadpool_diesel"], &["src/database/"]),
    (
        &[
            "actix_cors",
            "actix_http",
            "actix_rt",
            "actix_server",
            "actix_service",
            "actix_web",
            "tracing_actix_web",
        ],
        &[
            "src/http/",
            "src/admin/",
            "*/routes.rs",
            "*/routes/",
            "src/app/",
        ],
    ),
    (&["prometheus"], &["src/telemetry/metrics/"]),
    (
        &[
            "opentelemetry",
            "opentelemetry_otlp",
            "opentelemetry_sdk",
            "tracing_opentelemetry",
        ],
        &["src/telemetry/traces/"],
    ),
    (
        &["std::env"],
        &["src/settings/", "src/cli/", "src/planted.rs"],
    ),
    (
        &[
            "actix_web::rt::spawn",
            "std::thread::Builder",
            "std::thread::spawn",
            "tokio::spawn",
            "tokio::task::spawn",
            "tokio::task::spawn_local",
        ],
        &["src/lifecycle/tasks.rs"],
    ),
    (
        &["actix_web::web::block", "tokio::task::spawn_blocking"],
        &["src/telemetry/context.rs"],
    ),
];

/// What a kind of file never names: libraries by their name, rooms as `crate::room`.
struct Kind {
    files: &'static [&'static str],
    never: &'static [&'static str],
}

const KINDS: [Kind; 4] = [
    Kind {
        files: &[
            "*/model.rs",
            "*/model/",
            PURE[0],
            PURE[1],
            PURE[2],
            PURE[3],
            PURE[4],
        ],
        never: &[
            "actix_web",
            "crate::admin",
            "crate::database",
            "crate::http",
            "crate::lifecycle",
            "crate::settings",
            "crate::telemetry",
            "deadpool",
            "diesel",
            "prometheus",
            "reqwest",
            "tokio",
            "tracing",
        ],
    },
    Kind {
        files: &["*/store.rs", "*/store/"],
        never: &[
            "actix_web",
            "crate::admin",
            "crate::http",
            "crate::lifecycle",
            "crate::settings",
            "prometheus",
        ],
    },
    Kind {
        files: &["*/service.rs", "*/service/"],
        never: &[
            "actix_web",
            "crate::database::Conn::Pg",
            "crate::database::Conn::Sqlite",
            "diesel",
            "prometheus",
        ],
    },
    Kind {
        files: &["*/routes.rs", "*/routes/"],
        never: &["crate::admin", "diesel"],
    },
];

/// `src/http/` is a folder, `*/store.rs` such a file in any room, `*/routes/` such a folder in any room.
fn is_in(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| match place.strip_prefix('*') {
        Some(folder) if folder.ends_with('/') => path.contains(folder),
        Some(file) => path.ends_with(file),
        None if place.ends_with('/') => path.starts_with(place),
        None => path == *place,
    })
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether `path` is `name` or something inside it.
fn names(path: &[String], name: &str) -> bool {
    let mut segments = path.iter();
    name.split("::")
        .all(|wanted| segments.next().is_some_and(|segment| segment == wanted))
}

/// Everything that this file does against the plan.
fn violations(file: &SourceFile) -> Vec<String> {
    let module = file.module();
    let Some(own) = module.first().copied() else {
        return Vec::new();
    }; // lib.rs lists the rooms
    let Some(own_floor) = floor(own) else {
        return vec![format!(
            "{}: the room `{own}` stands on no floor: give it one in {}",
            file.path,
            file!()
        )];
    };
    let mut found = Vec::new();
    for reference in file.references() {
        let path = &reference.path;
        let place = format!("{}:{}: {}", file.path, reference.line, path.join("::"));
        let mut wrong = |what: String| found.push(format!("{place}: {what}"));
        if path[0] == "crate" && path.len() > 1 && path[1] != own {
            let other = path[1].as_str();
            if floor(other).is_some_and(|floor| floor <= own_floor) {
                wrong(format!("`{own}` stands beside or below `{other}`"));
            }
            if path.get(2).is_some_and(|part| part == "store") {
                wrong("a store is its own room's".to_owned());
            }
            if SUBJECTS.contains(&own) && other == "admin" {
                wrong("no subject knows the admin listener".to_owned());
            }
        }
        if is_in(&file.path, &["*/routes.rs", "*/routes/"])
            && path[0] == "crate"
            && path.iter().any(|part| part == "store")
        {
            wrong("routes ask the service, never a store".to_owned());
        }
        for kind in KINDS.iter().filter(|kind| is_in(&file.path, kind.files)) {
            for never in kind.never.iter().filter(|never| names(path, never)) {
                wrong(format!("such a file never uses `{never}`"));
            }
        }
        for (what, places) in CONFINED {
            if what.iter().any(|what| names(path, what)) && !is_in(&file.path, places) {
                wrong(format!("only in {}", places.join(", ")));
            }
        }
    }
    if MACHINERY.contains(&own) && file.path != "src/database/schema.rs" {
        for (line, text) in file.code.lines().enumerate() {
            for word in text
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .filter(|word| SUBJECTS.contains(word))
            {
                found.push(format!(
                    "{}:{}: machinery names the subject `{word}`",
                    file.path,
                    line + 1
                ));
            }
        }
    }
    found.dedup();
    found
}

#[test]
fn every_room_keeps_to_its_place() {
    let files = SourceFile::all_in("src");
    assert!(files.len() > 1, "nothing was read");
    let built = files.iter().filter(|file| !file.is_test());
    let found: Vec<_> = built.flat_map(violations).collect();
    crate::none("src/ goes against the plan of docs/architecture.md", &found);
}

/// A file, what stands in it, and what must be said about it; nothing where it is right.
const BREACHES: [(&str, &str, &str); 22] = [
    (
        "src/settings/mod.rs",
        "use crate::telemetry;",
        "`settings` stands beside or below `telemetry`",
    ),
    (
        "src/database/mod.rs",
        "fn f() { crate::http::serve() }",
        "`database` stands beside or below `http`",
    ),
    (
        "src/catalog/service.rs",
        "use super::super::orders::Order;",
        "`catalog` stands beside or below `orders`",
    ),
    (
        "src/main.rs",
        "use glasshouse::{cli, main}; fn f() { glasshouse::app::build() }",
        "",
    ),
    (
        "src/cli/serve.rs",
        "use crate::main;",
        "`cli` stands beside or below `main`",
    ),
    (
        "src/orders/service.rs",
        "use crate::catalog::store::lock;",
        "a store is its own room's",
    ),
    (
        "src/orders/service.rs",
        "use crate::admin;",
        "no subject knows the admin listener",
    ),
    (
        "src/orders/routes/create.rs",
        "use super::super::store;",
        "routes ask the service",
    ),
    (
        "src/orders/model.rs",
        "use chrono::Utc; use diesel::Queryable;",
        "never uses `diesel`",
    ),
    (
        "src/orders/status.rs",
        "use tokio::time;",
        "never uses `tokio`",
    ),
    (
        "src/orders/store.rs",
        "use crate::settings::Settings;",
        "never uses `crate::settings`",
    ),
    (
        "src/orders/service.rs",
        "use crate::database::Conn; fn f(c: Conn) { match c { Conn::Pg(_) => () } }",
        "never uses `crate::database::Conn::Pg`",
    ),
    (
        "src/catalog/service.rs",
        "#[derive(diesel::Insertable)] struct S;",
        "only in src/database/",
    ),
    (
        "src/database/pool.rs",
        "use prometheus::Gauge;",
        "only in src/telemetry/metrics/",
    ),
    (
        "src/accounts/mod.rs",
        "use actix_web as web;",
        "only in src/http/",
    ),
    (
        "src/telemetry/mod.rs",
        "use std::{env, fmt}; fn f() { env::var(\"X\") }",
        "only in src/settings/",
    ),
    (
        "src/app/",
        "use tokio::task; fn f() { task::spawn(x) }",
        "only in src/lifecycle/tasks.rs",
    ),
    (
        "src/orders/service.rs",
        "use tokio::task::spawn_blocking;",
        "only in src/telemetry/context.rs",
    ),
    (
        "src/http/mod.rs",
        "fn f(accounts: u8) {}",
        "machinery names the subject `accounts`",
    ),
    ("src/misc/mod.rs", "", "the room `misc` stands on no floor"),
    (
        "src/orders/service.rs",
        "use super::store; use crate::{catalog, database::Database, outbox::append};",
        "",
    ),
    (
        "src/database/schema.rs",
        "table! { orders (id) { id -> Text } }",
        "",
    ),
];

#[test]
fn a_breach_of_each_rule_is_noticed() {
    for (path, code, expected) in BREACHES {
        let found = violations(&SourceFile::new(path, code));
        if expected.is_empty() {
            crate::none(path, &found);
        } else {
            assert!(
                found.iter().any(|found| found.contains(expected)),
                "{path}: {code}\nfound {found:?}, not: {expected}"
            );
        }
    }
}

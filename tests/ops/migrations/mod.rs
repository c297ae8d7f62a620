//! Migrations as an operator runs them: both trees alike, there and back again, never over a newer schema.
//!
//! # Layout
//! - `catalog`: what a database says of its schema; `schema_file`: `src/database/schema.rs`, written from it
//! - `starting`: several processes at once, and a service that does not migrate

mod catalog;
mod schema_file;
mod starting;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::support::database::{Backend, TestDatabase};
use crate::support::on_both;
use crate::support::process::{Finished, Program};

/// The folders of a tree, in the order in which they are applied.
fn tree(backend: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(backend);
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Every migration there is.
fn all() -> Vec<String> {
    tree("postgres")
}

/// `glasshouse migrate …`, run to its end.
fn migrate(database: &TestDatabase, arguments: &[&str]) -> Finished {
    let arguments = [&["migrate"], arguments].concat();
    Program::on(database).args(&arguments).run()
}

/// The lines of standard output that say this of a migration; fails unless the command succeeded.
#[track_caller]
fn said(finished: &Finished, what: &str) -> Vec<String> {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let names = finished
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix(what)?.strip_prefix("  "));
    names.map(str::to_owned).collect()
}

/// Every table, column, key, index and check as the database writes them down, this program's own record of versions aside.
fn written_down(database: &TestDatabase) -> Vec<String> {
    match database.backend() {
        Backend::Postgres => database.texts(
            "SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' ' || coalesce(column_default, '') AS text \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' \
             UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> '__diesel_schema_migrations' \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations' \
             UNION ALL SELECT 'routine ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
             UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e', 'r') \
             UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal \
             ORDER BY 1",
        ),
        Backend::Sqlite => database.texts(
            "SELECT type || ' ' || name || ' ' || coalesce(sql, 'automatic') AS text FROM sqlite_schema \
             WHERE tbl_name <> '__diesel_schema_migrations' ORDER BY type, name",
        ),
    }
}

/// The versions that the database has, as it keeps them.
fn versions(database: &TestDatabase) -> Vec<String> {
    database.texts("SELECT version AS text FROM __diesel_schema_migrations ORDER BY version")
}

#[test]
fn both_trees_have_the_same_names_each_with_its_way_back() {
    assert_eq!(tree("postgres"), tree("sqlite"));
    assert!(!all().is_empty());
    for backend in ["postgres", "sqlite"] {
        for name in tree(backend) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(backend)
                .join(&name);
            for file in ["up.sql", "down.sql"] {
                let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
                assert!(
                    !text.trim().is_empty(),
                    "{backend}/{name}/{file} does nothing"
                );
            }
            // Diesel takes everything before the first underscore for the version.
            let (version, words) = name.split_once('_').unwrap();
            assert!(
                version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit()),
                "{name}"
            );
            assert!(!words.is_empty(), "{name}");
        }
    }
}

on_both!(there_and_back_again_leaves_the_same_schema);
async fn there_and_back_again_leaves_the_same_schema(database: Arc<TestDatabase>) {
    let all = all();
    let status = |applied: usize| {
        let line = |(number, name): (usize, &String)| {
            format!(
                "{}  {name}\n",
                if number < applied {
                    "applied"
                } else {
                    "pending"
                }
            )
        };
        all.iter().enumerate().map(line).collect::<String>()
    };
    let before = migrate(&database, &["status"]);
    assert_eq!((before.code, before.stdout), (Some(3), status(0)));
    assert_eq!(
        said(&migrate(&database, &[]), "applied"),
        all,
        "`migrate` alone applies"
    );
    let whole = written_down(&database);
    assert!(whole.len() > all.len(), "{whole:?}");
    let after = migrate(&database, &["status"]);
    assert_eq!((after.code, after.stdout), (Some(0), status(all.len())));
    let again = migrate(&database, &["run"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (Some(0), "nothing is pending\n")
    );

    // Back one by one, each of them there and back once more.
    let mut schemas = vec![whole.clone()];
    for left in (0..all.len()).rev() {
        assert_eq!(
            said(&migrate(&database, &["revert", "--steps", "1"]), "reverted"),
            all[left..=left]
        );
        let now = migrate(&database, &["status"]);
        assert_eq!((now.code, now.stdout), (Some(3), status(left)));
        schemas.push(written_down(&database));
        assert_eq!(said(&migrate(&database, &["run"]), "applied"), all[left..]);
        assert_eq!(written_down(&database), whole);
        let steps = (all.len() - left).to_string();
        let mut back = said(
            &migrate(&database, &["revert", "--steps", &steps]),
            "reverted",
        );
        back.reverse();
        assert_eq!(back, all[left..]);
        assert_eq!(Some(&written_down(&database)), schemas.last());
    }
    assert_eq!(schemas.last(), Some(&Vec::new()), "nothing is left");
    assert_eq!(said(&migrate(&database, &["run"]), "applied"), all);
    assert_eq!(written_down(&database), whole);
}

on_both!(more_than_there_is_cannot_be_reverted);
async fn more_than_there_is_cannot_be_reverted(database: Arc<TestDatabase>) {
    said(&migrate(&database, &["run"]), "applied");
    let (whole, steps) = (written_down(&database), (all().len() + 1).to_string());
    let refused = migrate(&database, &["revert", "--steps", &steps]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains(&steps) && refused.stdout.is_empty(),
        "{refused:?}"
    );
    assert_eq!(
        (versions(&database).len(), written_down(&database)),
        (all().len(), whole)
    );
}

on_both!(a_newer_schema_is_refused_by_name_and_left_as_it_is);
async fn a_newer_schema_is_refused_by_name_and_left_as_it_is(database: Arc<TestDatabase>) {
    const NEWER: &str = "29991231000000";
    said(&migrate(&database, &["run"]), "applied");
    // As after a roll-back to a version that is older by one migration and lacks another: nothing must be made good.
    said(&migrate(&database, &["revert", "--steps", "1"]), "reverted");
    database.execute(&format!(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('{NEWER}'); CREATE TABLE from_the_future (id integer NOT NULL PRIMARY KEY)"
    ));
    let (schema, versions_before) = (written_down(&database), versions(&database));
    for arguments in [
        &["migrate", "run"][..],
        &["migrate"],
        &["migrate", "revert", "--steps", "1"],
        &["migrate", "status"],
        &["serve"],
    ] {
        for migrate_on_start in ["true", "false"] {
            let program = Program::on(&database)
                .args(arguments)
                .env("GLASSHOUSE_DATABASE__MIGRATE_ON_START", migrate_on_start);
            let mut refused = program.spawn();
            let refused = refused.wait_exit(std::time::Duration::from_secs(30)).await;
            assert_eq!(refused.code, Some(1), "{arguments:?}: {refused:?}");
            let told = format!("{}{}", refused.stdout, refused.stderr);
            assert!(
                told.contains(NEWER) && told.contains("does not know"),
                "{arguments:?}: {told}"
            );
            assert!(!told.contains("panicked"), "{told}");
            assert_eq!(
                (written_down(&database), versions(&database)),
                (schema.clone(), versions_before.clone()),
                "{arguments:?}"
            );
        }
    }
}

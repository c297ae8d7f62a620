//! What the two databases say of the same schema, in one form, so that they can be compared: a line for each column, key,
//! reference and index.
//!
//! The texts of checks differ by database; how many a table has does not.

use crate::support::app;
use crate::support::database::{Backend, TestDatabase};

/// `table.column type`, with `?` behind the type where null is allowed, in the order of the columns.
const COLUMNS: [&str; 2] = [
    "SELECT table_name || '.' || column_name || ' ' || udt_name || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END AS text \
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' \
     ORDER BY table_name, ordinal_position",
    "SELECT t.name || '.' || c.name || ' ' || c.type || CASE c.\"notnull\" WHEN 1 THEN '' ELSE '?' END AS text \
     FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name <> '__diesel_schema_migrations' \
     ORDER BY t.name, c.cid",
];

/// `table (columns)` of each primary key.
const KEYS: [&str; 2] = [
    "SELECT c.conrelid::regclass || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(c.conkey) \
     WITH ORDINALITY k (number, place) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number) || ')' AS text \
     FROM pg_constraint c WHERE c.contype = 'p' AND c.connamespace = 'public'::regnamespace \
     AND c.conrelid::regclass::text <> '__diesel_schema_migrations' ORDER BY 1",
    "SELECT t.name || ' (' || (SELECT group_concat(name, ', ') FROM \
     (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk)) || ')' AS text \
     FROM sqlite_schema t WHERE t.type = 'table' AND t.name <> '__diesel_schema_migrations' ORDER BY 1",
];

/// `table (column) -> table, what happens when the referred row is deleted`.
const REFERENCES: [&str; 2] = [
    "SELECT c.conrelid::regclass || ' (' || a.attname || ') -> ' || c.confrelid::regclass || ', ' || \
     CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'a' THEN 'NO ACTION' ELSE c.confdeltype::text END AS text \
     FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) \
     WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT t.name || ' (' || f.\"from\" || ') -> ' || f.\"table\" || ', ' || f.on_delete AS text \
     FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table' ORDER BY 1",
];

/// `name on table (columns)` of each index that was asked for by name, and of each unique constraint, without its name.
const INDEXES: [&str; 2] = [
    "SELECT CASE WHEN i.indisunique THEN 'unique' ELSE n.relname END || ' on ' || i.indrelid::regclass || ' (' || \
     (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY k (number, place) \
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) || ')' AS text \
     FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid WHERE NOT i.indisprimary AND n.relnamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT CASE WHEN i.\"unique\" THEN 'unique' ELSE i.name END || ' on ' || t.name || ' (' || \
     (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')' AS text \
     FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i.origin <> 'pk' ORDER BY 1",
];

/// `table number`.
const CHECKS: [&str; 2] = [
    "SELECT conrelid::regclass || ' ' || count(*) AS text FROM pg_constraint \
     WHERE contype = 'c' AND connamespace = 'public'::regnamespace GROUP BY conrelid ORDER BY 1",
    "SELECT name || ' ' || ((length(sql) - length(replace(sql, ' CHECK ', ''))) / length(' CHECK ')) AS text \
     FROM sqlite_schema WHERE type = 'table' AND sql LIKE '% CHECK %' ORDER BY 1",
];

/// What the database says.
pub(super) struct Catalog {
    /// Lines of `table.column type`.
    pub(super) columns: Vec<String>,
    /// Lines of `table (columns)`.
    pub(super) keys: Vec<String>,
    /// Lines of `table (column) -> table, on delete`.
    pub(super) references: Vec<String>,
    indexes: Vec<String>,
    checks: Vec<String>,
}

impl Catalog {
    /// Of this database as it is.
    pub(super) fn of(database: &TestDatabase) -> Self {
        let ask = |queries: [&str; 2]| {
            database.texts(match database.backend() {
                Backend::Postgres => queries[0],
                Backend::Sqlite => queries[1],
            })
        };
        Self {
            columns: ask(COLUMNS),
            keys: ask(KEYS),
            references: ask(REFERENCES),
            indexes: ask(INDEXES),
            checks: ask(CHECKS),
        }
    }

    /// Of a database of this kind with all migrations.
    pub(super) fn migrated(backend: Backend) -> Self {
        let database = TestDatabase::empty(backend);
        app::migrate(database.url());
        Self::of(&database)
    }
}

/// What a column of PostgreSQL's type is on SQLite, in a line of `table.column type`.
fn on_sqlite(column: &str) -> String {
    let (name, kind) = column.split_once(' ').expect("a type");
    let (kind, null) = kind
        .strip_suffix('?')
        .map_or((kind, ""), |kind| (kind, "?"));
    let kind = match kind {
        "uuid" | "timestamptz" | "text" => "TEXT",
        "int8" | "int4" => "INTEGER",
        "bytea" => "BLOB",
        other => panic!("{name}: nobody has said yet what {other} is on SQLite"),
    };
    format!("{name} {kind}{null}")
}

#[test]
fn sqlite_has_the_schema_of_postgres() {
    let (postgres, sqlite) = (
        Catalog::migrated(Backend::Postgres),
        Catalog::migrated(Backend::Sqlite),
    );
    assert!(postgres.columns.len() > 20 && postgres.keys.len() > 5 && postgres.indexes.len() > 5);
    assert_eq!(
        sqlite.columns,
        postgres
            .columns
            .iter()
            .map(|column| on_sqlite(column))
            .collect::<Vec<_>>()
    );
    assert_eq!(sqlite.keys, postgres.keys);
    assert_eq!(sqlite.references, postgres.references);
    assert_eq!(sqlite.indexes, postgres.indexes);
    assert_eq!(sqlite.checks, postgres.checks);
}

//! `src/database/schema.rs` is what PostgreSQL's catalog says after all migrations, in Diesel's words. The file is written
//! here, `UPDATE_DOCS=1`, and never by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::catalog::Catalog;
use crate::support::database::Backend;

const HEAD: &str = "\
//! The tables, as Diesel sees them. Generated from the migrations (`make docs` writes it anew, a test keeps it equal):
//! change a migration, never this file.

#![expect(missing_docs, reason = \"the migrations say what a column means\")]
";

/// The column type that the queries of both databases are written with.
fn diesel_type(kind: &str) -> &'static str {
    match kind {
        "uuid" => "Id",
        "timestamptz" => "Instant",
        "text" => "Text",
        "int8" => "BigInt",
        "int4" => "Integer",
        "bytea" => "Binary",
        other => panic!("nobody has said yet what {other} is in Rust"),
    }
}

/// The whole file.
fn rendered(catalog: &Catalog) -> String {
    let mut tables: BTreeMap<&str, String> = BTreeMap::new();
    for line in &catalog.columns {
        let (table, column) = line.split_once('.').expect("a table");
        let (name, kind) = column.split_once(' ').expect("a type");
        let kind = match kind.strip_suffix('?') {
            Some(kind) => format!("Nullable<{}>", diesel_type(kind)),
            None => diesel_type(kind).to_owned(),
        };
        writeln!(
            tables.entry(table).or_default(),
            "        {name} -> {kind},"
        )
        .expect("a string");
    }
    let keys: BTreeMap<&str, &str> = catalog
        .keys
        .iter()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let mut text = HEAD.to_owned();
    for (table, columns) in &tables {
        let key = keys[table];
        write!(
            text,
            "\ndiesel::table! {{\n    use diesel::sql_types::{{BigInt, Binary, Integer, Nullable, Text}};\n    \
             use crate::database::types::{{Id, Instant}};\n\n    {table} {key} {{\n{columns}    }}\n}}\n"
        )
        .expect("a string");
    }
    text.push('\n');
    for (child, column, parent) in joins(catalog) {
        writeln!(text, "diesel::joinable!({child} -> {parent} ({column}));").expect("a string");
    }
    text.push_str("diesel::allow_tables_to_appear_in_same_query!(\n");
    for table in tables.keys() {
        writeln!(text, "    {table},").expect("a string");
    }
    text.push_str(");\n");
    text
}

/// Child, column and parent of each reference. Of two between the same tables Diesel could not tell which one is meant, so
/// such tables are joined by saying on what.
fn joins(catalog: &Catalog) -> Vec<(&str, &str, &str)> {
    let read = |line: &'_ String| -> Option<(&str, &str, &str)> {
        let line: &str = catalog.references.iter().find(|has| *has == line)?;
        let (child, rest) = line.split_once(" (")?;
        let (column, rest) = rest.split_once(") -> ")?;
        Some((child, column, rest.split_once(", ")?.0))
    };
    let all: Vec<_> = catalog
        .references
        .iter()
        .map(|line| read(line).expect("a reference"))
        .collect();
    let is_only_one = |(child, _, parent): &(&str, &str, &str)| {
        all.iter()
            .filter(|(c, _, p)| (c, p) == (child, parent) || (p, c) == (child, parent))
            .count()
            == 1
    };
    let only: BTreeSet<_> = all.iter().copied().filter(is_only_one).collect();
    only.into_iter().collect()
}

#[test]
fn the_schema_of_postgres_and_the_schema_file_are_up_to_date() {
    let rendered = rendered(&Catalog::migrated(Backend::Postgres));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/database/schema.rs");
    #[expect(
        clippy::disallowed_methods,
        reason = "it is how `make docs` asks for the documents to be written"
    )]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(&path, &rendered).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        committed, rendered,
        "src/database/schema.rs is not what the migrations make: run `make docs`"
    );
}

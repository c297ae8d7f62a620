//! Writes the reference of the metrics, `docs/metrics.md`, from their declarations.

use std::fmt::Write as _;

use super::declaration::Declaration;

/// The Markdown of `docs/metrics.md`: one table for each area, in the order given.
pub fn document(areas: &[(&str, &[Declaration])]) -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         Made from the declarations in the source; a test keeps it equal. Times are in seconds, \
         sizes in bytes.\n\
         Counters and gauges of closed label sets exist at 0 from the start.\n",
    );
    for (area, declarations) in areas {
        let _ = write!(
            text,
            "\n## {area}\n\n| name | type | labels | meaning | buckets |\n|---|---|---|---|---|\n"
        );
        for declaration in *declarations {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                declaration.name,
                declaration.kind.as_str(),
                joined(declaration.labels.iter().map(|label| format!("`{label}`"))),
                declaration.help.replace('|', "\\|"),
                joined(declaration.buckets.iter().map(f64::to_string)),
            );
        }
    }
    text
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_a_table_for_each_area() {
        let pool = [Declaration::gauge(
            "pool_connections",
            "Used | idle.",
            &["pool", "state"],
        )];
        let text = document(&[("Database", &pool), ("Nothing", &[])]);

        assert!(text.contains("\n## Database\n\n| name | type | labels | meaning | buckets |\n"));
        assert!(
            text.contains("| `pool_connections` | gauge | `pool`, `state` | Used \\| idle. |  |\n")
        );
        assert!(text.contains("\n## Nothing\n"));
    }
}

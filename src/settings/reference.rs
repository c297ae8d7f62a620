//! The catalogue in words: `config reference` as commented TOML that itself loads, and docs/settings.md.

use std::io::{self, Write};

use super::catalogue::{self, CONVENTIONAL, Row, SettingRow};

const HEAD: &str = "Every setting of Glasshouse with its default. Uncomment what you change, save it as glasshouse.toml \
                    in the working directory or name it with --config, and try it with `glasshouse config check`.";

/// Columns of a comment line.
const WIDTH: usize = 100;

/// Every setting with its documentation and default, as TOML in which every setting is commented out.
pub fn write_toml(out: &mut dyn Write) -> io::Result<()> {
    comment(out, HEAD)?;
    for row in catalogue::rows() {
        writeln!(out)?;
        match row {
            Row::Section { key, about } => {
                comment(out, &about)?;
                writeln!(out, "[{key}]")?;
            }
            Row::Setting(setting) => {
                comment(out, &setting.about)?;
                comment(out, &format!("Takes: {}.", setting.right))?;
                comment(out, &format!("Environment: {}.", variables(&setting, "")))?;
                let name = setting.key.rsplit('.').next().unwrap_or_default();
                writeln!(out, "#{name} = {}", setting.default.toml())?;
            }
        }
    }
    Ok(())
}

/// The variables that set `setting`, in words; `tick` goes around each.
fn variables(setting: &SettingRow, tick: &str) -> String {
    let own = setting.variable();
    let mut names = vec![format!("{tick}{own}{tick}")];
    if setting.secret {
        names.push(format!("{tick}{own}_FILE{tick}"));
    }
    names.extend(
        CONVENTIONAL
            .iter()
            .filter(|(_, key)| *key == setting.key)
            .map(|(name, _)| format!("{tick}{name}{tick}")),
    );
    names.join(", ")
}

/// Text as comment lines, broken between words.
fn comment(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            writeln!(out, "{line}")?;
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

/// The text of docs/settings.md.
pub fn write_markdown(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(INTRODUCTION.as_bytes())?;
    for row in catalogue::rows() {
        match row {
            Row::Section { key, about } => {
                let level = "#".repeat(2 + key.matches('.').count());
                writeln!(out, "\n{level} `{key}`\n\n{about}")?;
            }
            Row::Setting(setting) => {
                let default = setting.default.toml();
                let default = if default == "\"\"" {
                    "empty".to_owned()
                } else {
                    format!("`{default}`")
                };
                writeln!(out, "\n**`{}`** (default {default})  ", setting.key)?;
                writeln!(out, "{}  ", setting.about)?;
                writeln!(out, "Takes: {}.  ", setting.right)?;
                writeln!(out, "Environment: {}", variables(&setting, "`"))?;
            }
        }
    }
    Ok(())
}

const INTRODUCTION: &str = "\
<!-- Generated from src/settings; `make docs` writes it anew. -->

# Settings

`glasshouse config reference` prints this as a TOML file to start from, `glasshouse config show` what is in effect and
where each value comes from, `glasshouse config check` what is wrong.

Later wins:

1. the defaults below;
2. a TOML file: the one named by `--config` or `GLASSHOUSE_CONFIG`, else `glasshouse.toml` in the working directory when
   it is there;
3. names that many platforms set: `DATABASE_URL`, `PORT`, `RUST_LOG`, `OTEL_EXPORTER_OTLP_ENDPOINT`,
   `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER_ARG`; an empty one counts as unset;
4. `GLASSHOUSE_*`, with `__` between the levels: `server.port` is `GLASSHOUSE_SERVER__PORT`; lists take commas;
5. flags.

Every secret also comes from a file: `GLASSHOUSE_AUTH__JWT_SECRET_FILE=/run/secrets/jwt` reads that file and drops the
line break at its end. Setting both forms is refused. On SIGHUP the files of `auth.jwt_secret`,
`auth.jwt_secret_previous` and `admin.token` are read again; a fault leaves the old ones in use.

Everything is checked before anything is opened, and all faults are reported at once. Unknown keys and unknown
`GLASSHOUSE_*` variables are refused with the nearest known name, but for the variables that Kubernetes makes up for a
Service called `glasshouse`. The timeouts must form a ladder: `database.wait_timeout` < `database.statement_timeout` <
`database.deadline` < `server.request_timeout` < `shutdown.grace`.
";

//! The environment: conventional names, `GLASSHOUSE_*` and `GLASSHOUSE_*_FILE`. Every variable with our prefix must be
//! known, but for those that Kubernetes makes up.

use super::catalogue::{CONFIG_VARIABLE, CONVENTIONAL, PREFIX, SettingRow};
use super::faults::Fault;
use super::layer::Findings;
use super::names::nearest;
use super::reload::SecretFile;
use super::sources::Sources;

/// Takes in all variables; returns the files that secrets came from.
pub(super) fn read(
    sources: &Sources,
    settings: &[SettingRow],
    findings: &mut Findings,
) -> Vec<SecretFile> {
    conventional(sources, findings);
    let mut secret_files = Vec::new();
    for (name, value) in &sources.environment {
        match Meaning::of(name, value, settings) {
            Meaning::NotOurs => {}
            // Compose files write `${JWT_SECRET:-}`: a secret that is empty is one that nobody gave.
            Meaning::Value(setting) if setting.secret && value.is_empty() => {}
            Meaning::Value(setting) => {
                findings.set(&setting.key, value, format!("environment {name}"));
            }
            Meaning::File(setting) => {
                let file = SecretFile {
                    key: setting.key.clone(),
                    variable: name.clone(),
                    path: sources.working_directory.join(value),
                };
                if take_file(&file, value, sources, findings) {
                    secret_files.push(file);
                }
            }
            Meaning::Unknown => {
                let right = remedy(name, settings);
                findings.faults.push(Fault::new(
                    name,
                    "environment",
                    "there is no such setting",
                    right,
                ));
            }
        }
    }
    for name in &sources.unreadable {
        let key = settings
            .iter()
            .find(|setting| setting.variable() == *name)
            .map_or(name, |setting| &setting.key);
        let origin = format!("environment {name}");
        findings.faults.push(Fault::new(
            key,
            origin,
            "its value is not UTF-8",
            "text in UTF-8",
        ));
    }
    secret_files
}

/// What a variable of the environment is to us.
enum Meaning<'a> {
    NotOurs,
    Value(&'a SettingRow),
    File(&'a SettingRow),
    Unknown,
}

impl<'a> Meaning<'a> {
    fn of(name: &str, value: &str, settings: &'a [SettingRow]) -> Self {
        let known = |name: &str| settings.iter().find(|setting| setting.variable() == name);
        if !has_prefix(name) || name == CONFIG_VARIABLE {
            return Self::NotOurs;
        }
        if let Some(setting) = known(name) {
            return Self::Value(setting);
        }
        if let Some(setting) = name
            .strip_suffix("_FILE")
            .and_then(known)
            .filter(|setting| setting.secret)
        {
            return Self::File(setting);
        }
        if is_service_link(name, value) {
            Self::NotOurs
        } else {
            Self::Unknown
        }
    }
}

fn has_prefix(name: &str) -> bool {
    name.get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// An empty conventional variable is an unset one, as OpenTelemetry's specification has it.
fn conventional(sources: &Sources, findings: &mut Findings) {
    for (name, key) in CONVENTIONAL {
        for (_, value) in sources
            .environment
            .iter()
            .filter(|(given, value)| given == name && !value.is_empty())
        {
            findings.set(key, value, format!("environment {name}"));
        }
    }
}

/// Takes a secret from its file; false when there is a fault.
fn take_file(file: &SecretFile, named: &str, sources: &Sources, findings: &mut Findings) -> bool {
    let beside = file
        .variable
        .strip_suffix("_FILE")
        .unwrap_or(&file.variable);
    let origin = format!("environment {}", file.variable);
    if sources
        .environment
        .iter()
        .any(|(name, value)| name == beside && !value.is_empty())
    {
        let wrong = format!("{beside} is set too");
        let right = format!("keep one: {beside} or {}", file.variable);
        findings
            .faults
            .push(Fault::new(&file.key, origin, wrong, right));
        return false;
    }
    if named.is_empty() {
        let fault = Fault::new(
            &file.key,
            origin,
            "it names no file",
            "the path of a file that holds the secret",
        );
        findings.faults.push(fault);
        return false;
    }
    match file.read() {
        Ok(secret) => {
            findings.set(&file.key, &secret, file.origin());
            true
        }
        Err(fault) => {
            findings.faults.push(fault);
            false
        }
    }
}

/// Kubernetes gives every container of a namespace variables for each Service in it, so a Service called `glasshouse`
/// makes `GLASSHOUSE_PORT=tcp://…` and more. Their forms: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
/// Refusing them would stop every pod; a `GLASSHOUSE_PORT=8080` is somebody's mistake and is refused.
fn is_service_link(name: &str, value: &str) -> bool {
    let name = &name[PREFIX.len() - 1..];
    if name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
    {
        return true;
    }
    name.match_indices("_PORT")
        .any(|(at, port)| is_port_link(&name[at + port.len()..], value))
}

/// `rest` is what follows `_PORT`: nothing, or `_8080_TCP`, or `_8080_TCP_ADDR`.
fn is_port_link(rest: &str, value: &str) -> bool {
    let parts: Vec<&str> = rest.split('_').collect();
    match parts[..] {
        [""] => value.contains("://"),
        ["", port, "TCP" | "UDP" | "SCTP"]
        | ["", port, "TCP" | "UDP" | "SCTP", "PROTO" | "PORT" | "ADDR"] => {
            port.parse::<u16>().is_ok()
        }
        _ => false,
    }
}

fn remedy(name: &str, settings: &[SettingRow]) -> String {
    let upper = name.to_uppercase();
    if let Some(setting) = settings
        .iter()
        .find(|setting| setting.variable() == upper.trim_end_matches("_FILE"))
    {
        if upper.ends_with("_FILE") && !setting.secret {
            return format!(
                "{}: only secrets are read from files of their own",
                setting.variable()
            );
        }
        return format!("{upper}, in capital letters");
    }
    let mut known: Vec<String> = settings.iter().map(SettingRow::variable).collect();
    known.push(CONFIG_VARIABLE.to_owned());
    // The prefix, which all have, would make any two of them alike.
    let known = known
        .iter()
        .filter_map(|variable| variable.strip_prefix(PREFIX));
    match nearest(&upper[PREFIX.len()..], known, "__") {
        Some(known) => format!("did you mean {PREFIX}{known}?"),
        None => {
            "a name that `glasshouse config reference` lists, with `__` between section and setting"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_makes_up_is_not_taken_for_a_mistake() {
        let links = [
            ("GLASSHOUSE_SERVICE_HOST", "10.0.0.1"),
            ("GLASSHOUSE_SERVICE_PORT", "8080"),
            ("GLASSHOUSE_SERVICE_PORT_HTTP", "8080"),
            ("GLASSHOUSE_PORT", "tcp://10.0.0.1:8080"),
            ("GLASSHOUSE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("GLASSHOUSE_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("GLASSHOUSE_ADMIN_SERVICE_HOST", "10.0.0.2"),
            ("GLASSHOUSE_ADMIN_PORT_9464_TCP_PROTO", "tcp"),
        ];
        for (name, value) in links {
            assert!(is_service_link(name, value), "{name}");
        }
        let mistakes = [
            "GLASSHOUSE_PORT",
            "GLASSHOUSE_SERVER_PORT",
            "GLASSHOUSE_PORT_HTTP_TCP",
            "GLASSHOUSE_HOST",
            "GLASSHOUSE_PORTS",
        ];
        for name in mistakes {
            assert!(!is_service_link(name, "8080"), "{name}");
        }
    }
}

//! What the containers read from this repository is there, and they look for it where it is mounted.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compose::{self, interpolated, items, services, texts};

/// One line of `volumes`.
struct Mount {
    source: String,
    target: String,
    read_only: bool,
}

fn mounts(service: &Value) -> Vec<Mount> {
    let read = |line: &str| {
        let line = interpolated(line, "").0;
        let parts: Vec<_> = line.split(':').collect();
        Mount {
            source: parts[0].to_owned(),
            target: parts[1].to_owned(),
            read_only: parts.get(2) == Some(&"ro"),
        }
    };
    items(&service["volumes"]).into_iter().map(read).collect()
}

/// Where in the repository a path of a container comes from.
fn in_the_repository(service: &Value, path: &str) -> Option<String> {
    mounts(service).into_iter().find_map(|mount| {
        let inside = path.strip_prefix(&mount.target)?;
        let whole = inside.is_empty() || inside.starts_with('/');
        let source = mount.source.strip_prefix("./").filter(|_| whole)?;
        Some(format!("{source}{inside}"))
    })
}

fn faults(compose: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, service) in services(compose) {
        for mount in mounts(service) {
            let own = mount.source.strip_prefix("./");
            if own.is_some_and(|path| !super::file(path).exists()) {
                found.push(format!("{name}: {} is not there", mount.source));
            }
            if mount.source.contains('/') && !mount.read_only {
                found.push(format!("{name}: it may write to {}", mount.source));
            }
            if !mount.source.contains('/') && compose["volumes"].get(&mount.source).is_none() {
                found.push(format!("{name}: there is no volume {}", mount.source));
            }
        }
        let arguments = [items(&service["entrypoint"]), items(&service["command"])].concat();
        for argument in arguments {
            let path = argument.split_once('=').map_or(argument, |(_, path)| path);
            let file = path.starts_with("/etc/") || path.starts_with("/loadtest/");
            let there =
                in_the_repository(service, path).is_some_and(|path| super::file(&path).is_file());
            if file && !there {
                found.push(format!("{name}: {path} is not mounted"));
            }
        }
    }
    found
}

#[test]
fn what_is_mounted_is_there() {
    super::none(
        "docker-compose.yml mounts or names",
        &faults(&compose::read()),
    );
}

#[test]
fn a_missing_file_is_noticed() {
    let mut compose = compose::read();
    compose["services"]["prometheus"]["volumes"][0] =
        "./gone.yml:/etc/prometheus/prometheus.yml".into();
    compose["services"]["grafana"]["volumes"][3] = "graphs:/var/lib/grafana".into();
    compose["services"]["loki"]["command"][0] = "-config.file=/etc/loki/other.yml".into();
    let expected = [
        "grafana: there is no volume graphs",
        "loki: /etc/loki/other.yml is not mounted",
        "prometheus: ./gone.yml is not there",
        "prometheus: it may write to ./gone.yml",
        "prometheus: /etc/prometheus/prometheus.yml is not mounted",
    ];
    assert_eq!(faults(&compose), expected);
}

#[test]
fn prometheus_finds_its_rules_the_service_and_alertmanager() {
    let compose = compose::read();
    let prometheus = compose::parse(&super::text("prometheus.yml"));
    let patterns = items(&prometheus["rule_files"]);
    assert!(!patterns.is_empty(), "prometheus.yml names no rules");
    for pattern in patterns {
        // Relative to the file that names them, unless it is absolute.
        let path = std::path::Path::new("/etc/prometheus").join(pattern);
        let path = path.to_str().expect("text");
        let (folder, ending) = path
            .rsplit_once("/*")
            .expect("a pattern such as rules/*.yml");
        let folder = in_the_repository(&compose["services"]["prometheus"], folder)
            .unwrap_or_else(|| panic!("{folder} is not mounted"));
        let files = std::fs::read_dir(super::file(&folder)).expect("a folder of rules");
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(
            names.filter(|name| name.ends_with(ending)).count() > 0,
            "{folder} has none"
        );
    }
    let named = texts(&prometheus);
    let replicas = services(&compose).filter(|(name, _)| name.starts_with("app"));
    for target in replicas
        .map(|(name, _)| name.as_str())
        .chain(["alertmanager:9093"])
    {
        assert!(
            named.contains(&target),
            "{target} is not in prometheus.yml: {named:?}"
        );
    }
    assert!(super::file("alertmanager/alertmanager.yml").is_file());
}

#[test]
fn grafana_finds_its_dashboards_and_its_sources() {
    let compose = compose::read();
    let grafana = &compose["services"]["grafana"];
    let settings = super::text("grafana/grafana.ini");
    let home = settings
        .lines()
        .find_map(|line| line.strip_prefix("default_home_dashboard_path = "))
        .expect("a home dashboard");
    let home = in_the_repository(grafana, home).expect("a mounted dashboard");
    assert!(super::file(&home).is_file(), "{home}");

    let provisioned = |kind: &str| -> Vec<Value> {
        let folder = super::file(&format!("grafana/provisioning/{kind}"));
        let files =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            compose::parse(&std::fs::read_to_string(file.unwrap().path()).unwrap())
        };
        files.map(read).collect()
    };
    let dashboards = provisioned("dashboards");
    assert!(!dashboards.is_empty());
    for provider in dashboards
        .iter()
        .flat_map(|file| file["providers"].as_array().unwrap())
    {
        let path = provider["options"]["path"].as_str().unwrap();
        let folder =
            in_the_repository(grafana, path).unwrap_or_else(|| panic!("{path} is not mounted"));
        assert_eq!(folder, "grafana/dashboards");
    }
    let sources = provisioned("datasources");
    assert!(!sources.is_empty());
    for source in sources
        .iter()
        .flat_map(|file| file["datasources"].as_array().unwrap())
    {
        let url = source["url"].as_str().unwrap();
        let host = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split(':').next());
        assert!(
            compose["services"].get(host.unwrap()).is_some(),
            "no service for {url}"
        );
    }
}

/// `server NAME ADDRESS` lines, and what is said once, such as `retries`.
fn haproxy() -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let text = super::text("deploy/haproxy/haproxy.cfg");
    let (mut servers, mut said) = (BTreeMap::new(), BTreeMap::new());
    for line in text.lines().map(str::trim) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["server", name, address] => {
                servers.insert(name.to_owned(), address.to_owned());
            }
            [word, ref rest @ ..] => {
                said.insert(word.to_owned(), rest.join(" "));
            }
            [] => {}
        }
    }
    (servers, said)
}

#[test]
fn haproxy_knows_the_replicas_and_sends_nothing_twice() {
    let compose = compose::read();
    let (servers, said) = haproxy();
    let replicas: BTreeMap<_, _> = services(&compose)
        .filter(|(name, _)| name.starts_with("app"))
        .map(|(name, _)| (name.clone(), format!("{name}:8080")))
        .collect();
    assert_eq!(replicas.len(), 3);
    assert_eq!(servers, replicas);
    assert_eq!(said["retries"], "0");

    // Unready is noticed before the listener closes: 5 s after, by the image's drain delay.
    let words: Vec<_> = said["default-server"].split(' ').collect();
    let after = |word: &str| words[words.iter().position(|other| *other == word).unwrap() + 1];
    let interval: u64 = after("inter").trim_end_matches("ms").parse().unwrap();
    let fall: u64 = after("fall").parse().unwrap();
    let timeout: u64 = 1000;
    assert!(fall * (interval + timeout) < 5000, "{words:?}");

    let trusted = &compose["services"]["app"]["environment"]["GLASSHOUSE_SERVER__TRUSTED_PROXIES"];
    let address = &compose["services"]["haproxy"]["networks"]["balanced"]["ipv4_address"];
    let address = address.as_str().unwrap();
    assert_eq!(trusted.as_str().unwrap(), format!("{address}/32"));

    // Nobody else can be given this address: others get theirs from the upper half of the network.
    let range = &compose["networks"]["balanced"]["ipam"]["config"][0]["ip_range"];
    let (network, last) = address.rsplit_once('.').unwrap();
    assert_eq!(range.as_str().unwrap(), format!("{network}.128/25"));
    assert!(last.parse::<u8>().unwrap() < 128, "{address}");
}

/// A replica that is stopped keeps its address, because one without any is taken for up when it is back; one that starts
/// with another address is found there.
#[test]
fn haproxy_forgets_an_address_for_another_one_alone() {
    let text = super::text("deploy/haproxy/haproxy.cfg");
    let holds: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("hold ")?.split_once(' '))
        .collect();
    let gone = ["nx", "other", "refused", "timeout"].map(|why| (why, "24d"));
    let there = [("valid", "1s"), ("obsolete", "0s")];
    let expected: BTreeMap<_, _> = gone.into_iter().chain(there).collect();
    assert_eq!(holds, expected);
}

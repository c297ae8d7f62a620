//! `glasshouse healthcheck`: asks a running instance whether it is ready.
//!
//! For the HEALTHCHECK of an image without shell and curl. It reads the same settings as the
//! instance, so it finds it wherever those put it.

use super::arguments::{GlobalArguments, HealthcheckArguments};
use super::error::CliError;
use super::load::load;
use super::runtime::block_on;
use crate::settings::{AdminSettings, ServerSettings};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Shorter than the timeout of every orchestrator's check, so that the reason gets out.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Succeeds when the instance is ready; else the error says in one line why not.
pub(super) fn run(
    global: &GlobalArguments,
    arguments: HealthcheckArguments,
) -> Result<(), CliError> {
    let url = if let Some(url) = arguments.url {
        url
    } else {
        let settings = load(global)?.settings;
        target(&settings.server, &settings.admin)?
    };
    block_on(ask(&url))
}

async fn ask(url: &str) -> Result<(), CliError> {
    if !url.starts_with("http://") {
        return Err(CliError::usage(format!(
            "{url} does not begin with http://"
        )));
    }
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // The instance is on this machine, whatever HTTP_PROXY says.
        .no_proxy()
        .build()
        .map_err(CliError::because("the HTTP client could not be made"))?;
    let unreachable = |error: reqwest::Error| {
        let why = if error.is_timeout() {
            "no answer within 2 s"
        } else {
            "no answer"
        };
        CliError::No(format!("not ready: {why} from {url}"))
    };
    let response = client.get(url).send().await.map_err(unreachable)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let body = response.json::<Value>().await.unwrap_or_default();
    let reason = first_failure(&body).unwrap_or_else(|| format!("{url} answered {status}"));
    Err(CliError::No(format!("not ready: {reason}")))
}

/// Where the instance that these settings describe answers probes: its public listener, or, when
/// that speaks TLS (under a name that its certificate decides), its admin listener.
fn target(server: &ServerSettings, admin: &AdminSettings) -> Result<String, CliError> {
    let (host, port, setting) = if server.tls.cert.is_some() {
        (admin.host, admin.port, "admin.port")
    } else {
        (server.host, server.port, "server.port")
    };
    if port == 0 {
        return Err(CliError::usage(format!(
            "{setting} is 0, so the port is only known to the instance itself: give --url"
        )));
    }
    let host = match host {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    Ok(format!(
        "http://{}/health/ready",
        SocketAddr::new(host, port)
    ))
}

/// The first failing check in a readiness answer, with its reason.
fn first_failure(body: &Value) -> Option<String> {
    let checks = body.get("checks")?.as_array()?;
    let failing = checks.iter().find(|check| check["status"] == "fail")?;
    let name = failing.get("name")?.as_str()?;
    let reason = failing
        .get("reason")
        .and_then(Value::as_str)
        .unwrap_or("failing");
    Some(format!("{name} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::{first_failure, target};
    use crate::settings::{AdminSettings, ServerSettings};
    use serde_json::json;

    #[test]
    fn the_settings_say_where_to_ask() {
        let mut server = ServerSettings::default();
        let admin = AdminSettings::default();
        let mut asked = |host: &str, port| {
            server.host = host.parse().unwrap();
            server.port = port;
            target(&server, &admin)
        };
        assert_eq!(
            asked("0.0.0.0", 80).unwrap(),
            "http://127.0.0.1:80/health/ready"
        );
        assert_eq!(asked("::", 8080).unwrap(), "http://[::1]:8080/health/ready");
        assert_eq!(
            asked("10.0.0.1", 8080).unwrap(),
            "http://10.0.0.1:8080/health/ready"
        );
        assert!(asked("127.0.0.1", 0).is_err());
    }

    #[test]
    fn a_public_listener_with_tls_is_asked_through_the_admin_listener() {
        let mut server = ServerSettings::default();
        server.tls.cert = Some("cert.pem".into());
        let url = target(&server, &AdminSettings::default()).unwrap();
        assert_eq!(url, "http://127.0.0.1:9464/health/ready");
    }

    #[test]
    fn the_first_failing_check_is_named() {
        let body = json!({"checks": [
            {"name": "migrations", "status": "pass"},
            {"name": "database", "status": "fail", "reason": "timeout"},
        ]});
        assert_eq!(first_failure(&body).unwrap(), "database (timeout)");
        assert_eq!(first_failure(&json!({})), None);
    }
}

//! `glasshouse serve`: settings, log, service, signals; and a word on where everything is.

use super::arguments::GlobalArguments;
use super::error::CliError;
use super::load::load;
use super::output;
use crate::app::{App, AppHandle};
use crate::http::block_on;
use crate::lifecycle::{SignalEvent, Signals, descriptors, spawn_local};
use crate::settings::{Loaded, Settings};
use crate::telemetry::BLIND;
use crate::telemetry::logs::{self, Identity, Logs};
use crate::telemetry::traces::Traces;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The longest that the spans of the last requests may take to reach their collector.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// Serves until it is asked to stop.
pub(super) fn run(global: &GlobalArguments) -> Result<(), CliError> {
    let loaded = load(global)?;
    if BLIND {
        output::note(
            "this build tells nothing of itself: it is for measuring, and for nothing else",
        );
    }
    let settings = &loaded.settings;
    let identity = Identity::of_this_build(
        settings.traces.service_name.clone(),
        settings.environment.as_str(),
    );
    let traces = Traces::start(&settings.traces, &identity)
        .map_err(CliError::because("traces could not be set up"))?;
    let logs = logs::init(&settings.log, &identity, output::colours_wanted(), &traces)
        .map_err(CliError::because("the log could not be set up"))?;
    logs::install_panic_hook();
    descriptors::raise_limit();
    let outcome = block_on(serve(loaded, &logs, &traces))
        .unwrap_or_else(|error| Err(CliError::io("the runtime could not be started")(error)));
    let lost = traces.finish(LAST_SPANS);
    if lost > 0 {
        tracing::warn!(trace.spans = lost, "spans lost at the end");
    }
    // Standard error tells it to a person; a collector of logs may read nothing but the log.
    if let (Err(error @ CliError::Failed { .. }), false) = (&outcome, output::is_for_people()) {
        tracing::error!(error = error.chain(), "service not started");
    }
    logs.flush();
    outcome
}

async fn serve(loaded: Loaded, logs: &Logs, traces: &Traces) -> Result<(), CliError> {
    let settings = loaded.settings.clone();
    let mut signals =
        Signals::listen().map_err(CliError::io("the signals could not be listened to"))?;
    let mut reload = false;
    let app = tokio::select! {
        app = App::build(loaded, logs, traces) => {
            app.map_err(CliError::because("the service could not be started"))?
        }
        () = asked_to_end(&mut signals, &mut reload) => {
            tracing::info!("service stopped while it was starting");
            return Ok(());
        }
    };
    if reload {
        // The secrets that it was started with may be old by now: a start can wait long for its database.
        app.handle().reload_secrets();
    }
    spawn_local("signals", pass_on(signals, app.handle()));
    let places = Places::new(&settings, app.public_address(), app.admin_address());
    announce(&places, &app, logs)?;
    if app.run().await.is_clean() {
        Ok(())
    } else {
        Err(CliError::Forced)
    }
}

/// Before there is a service, the first request to end is granted at once; one to read the secrets anew is kept for it.
async fn asked_to_end(signals: &mut Signals, reload: &mut bool) {
    while signals.next().await == SignalEvent::Reload {
        *reload = true;
    }
}

async fn pass_on(mut signals: Signals, app: AppHandle) {
    loop {
        match signals.next().await {
            SignalEvent::Shutdown => app.stop(),
            SignalEvent::ExitNow => app.exit_now(),
            SignalEvent::Reload => app.reload_secrets(),
        }
    }
}

/// Says where everything is: to a person in a few lines, to a log in one event.
fn announce(places: &Places, app: &App, logs: &Logs) -> Result<(), CliError> {
    if output::is_for_people() {
        // What was logged so far comes before it, and not in its middle.
        logs.flush();
        return output::print(places.lines());
    }
    tracing::info!(
        server.address = %app.public_address(),
        admin.address = %app.admin_address(),
        server.reference = places.reference,
        server.probes = places.probes,
        admin.metrics = places.metrics,
        database.backend = places.backend,
        "service started"
    );
    Ok(())
}

/// Where everything is, as links that work on this machine.
struct Places {
    api: String,
    reference: String,
    probes: String,
    metrics: String,
    admin: String,
    database: String,
    backend: &'static str,
}

impl Places {
    fn new(settings: &Settings, public: SocketAddr, admin: SocketAddr) -> Self {
        let scheme = if settings.server.tls.cert.is_some() {
            "https"
        } else {
            "http"
        };
        let public = format!("{scheme}://{}", reachable(public));
        let admin = format!("http://{}", reachable(admin));
        Self {
            reference: format!("{public}/docs"),
            probes: format!("{public}/health"),
            api: public,
            metrics: format!("{admin}/metrics"),
            admin: format!("{admin}/"),
            database: settings.database.url.masked(),
            backend: settings.database.url.backend(),
        }
    }

    fn lines(&self) -> String {
        let Self {
            api,
            reference,
            probes,
            metrics,
            admin,
            database,
            ..
        } = self;
        format!(
            "\nGlasshouse serves on {api}\n\n  \
               API reference  {reference}\n  \
               probes         {probes}\n  \
               metrics        {metrics}\n  \
               admin          {admin}\n  \
               database       {database}\n\n\
             Stop it with Ctrl-C.\n\n"
        )
    }
}

/// An address to connect to: who listens on every interface is also on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(_) if address.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) if address.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => address.ip(),
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::{Places, Settings};

    #[test]
    fn the_links_work_on_this_machine() {
        let mut settings = Settings::default();
        let places = |settings: &Settings| {
            let address = |text: &str| text.parse().unwrap();
            Places::new(settings, address("0.0.0.0:8080"), address("[::]:9464"))
        };
        assert_eq!(places(&settings).reference, "http://127.0.0.1:8080/docs");
        assert_eq!(places(&settings).metrics, "http://[::1]:9464/metrics");
        settings.server.tls.cert = Some("cert.pem".into());
        assert_eq!(places(&settings).probes, "https://127.0.0.1:8080/health");
    }

    #[test]
    fn a_person_is_told_of_each_place_and_of_no_password() {
        let mut settings = Settings::default();
        settings.database.url = "postgres://shop:canary@db/orders".parse().unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let lines = Places::new(&settings, address, address).lines();
        for place in [
            "/docs",
            "/health",
            "/metrics",
            "postgres://shop:***@db/orders",
        ] {
            assert!(lines.contains(place), "{place} in {lines}");
        }
        assert!(!lines.contains("canary"), "{lines}");
    }
}

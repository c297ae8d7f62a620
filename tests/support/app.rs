//! The one file of the test support that names the insides of the service: how it is put together, how it is told to stop,
//! and how its log names its addresses. All the rest sees what an operator sees.

use std::net::SocketAddr;

use glasshouse::app::{App, AppHandle};
use glasshouse::database::migrations;
use glasshouse::lifecycle::descriptors;
use glasshouse::settings::{DatabaseUrl, Loaded, Settings};
use glasshouse::telemetry::logs::{Identity, writing_to};
use glasshouse::telemetry::traces::Traces;
use serde_json::Value;

use super::database::TestDatabase;
use super::process::Program;

/// A service that runs in this process.
pub(crate) struct Running {
    /// Where the public listener is.
    pub(crate) public: SocketAddr,
    /// Where the admin listener is.
    pub(crate) admin: SocketAddr,
    handle: AppHandle,
    task: actix_web::rt::task::JoinHandle<bool>,
}

/// Settings for tests: the defaults, but on free ports, in few threads, and without limits that only some tests are about.
pub(crate) fn settings(database: &TestDatabase) -> Settings {
    let mut settings = Settings::default();
    settings.server.port = 0;
    settings.server.workers = 2;
    settings.admin.port = 0;
    settings.database.url = url(database.url());
    settings.database.max_connections = 6;
    // The least that argon2 takes: tests log in hundreds of times, and one real hash takes 27 ms.
    settings.auth.argon2.memory_kib = 8;
    settings.auth.argon2.iterations = 1;
    settings.rate_limit.register.rate = None;
    settings.rate_limit.login.rate = None;
    // A fixed limit: on a machine that is busy with other tests, one that adapts would turn their requests away.
    settings.server.min_in_flight = settings.server.max_in_flight;
    settings
}

impl Running {
    /// Builds the service and lets it run in the background of this test.
    pub(crate) async fn start(settings: Settings) -> Self {
        let identity = Identity::of_this_build("glasshouse", "test");
        let (_, logs) = writing_to(std::io::sink(), &settings.log, &identity, false)
            .expect("the log can be set up");
        let app = App::build(Loaded::of(settings), &logs, &Traces::off())
            .await
            .expect("the service starts");
        let (public, admin, handle) = (app.public_address(), app.admin_address(), app.handle());
        #[expect(
            clippy::disallowed_methods,
            reason = "the test supervises it: it waits for its end"
        )]
        let task = actix_web::rt::spawn(async move { app.run().await.is_clean() });
        Self {
            public,
            admin,
            handle,
            task,
        }
    }

    /// Shuts it down as SIGTERM would, and waits for its end. Whether it ended without cutting anything off.
    pub(crate) async fn stop(self) -> bool {
        self.handle.stop();
        self.task.await.expect("it does not panic")
    }
}

/// Applies all migrations.
pub(crate) fn migrate(database_url: &str) {
    migrations::run(&url(database_url)).expect("the migrations run");
}

/// Makes an operator, by the command that an administrator would use.
pub(crate) fn create_operator(database: &TestDatabase, email: &str, password: &str) {
    let arguments = ["account", "create", "--email", email, "--role", "operator"];
    let finished = Program::on(database)
        .args(&arguments)
        .run_with_input(&format!("{password}\n"));
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

/// The two listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// The API.
    Public,
    /// Metrics, probes and what operators do.
    Admin,
}

/// The address that a log line of the start names, if it is about this listener.
pub(crate) fn address_in(line: &Value, listener: Listener) -> Option<SocketAddr> {
    let field = match listener {
        Listener::Public => "server.address",
        Listener::Admin => "admin.address",
    };
    line[field].as_str()?.parse().ok()
}

fn url(text: &str) -> DatabaseUrl {
    text.parse().expect("a database URL")
}

/// Lets this process have as many file descriptors as it may, for tests that hold a thousand connections.
pub(crate) fn raise_descriptors() {
    let limit = descriptors::raise_limit();
    assert!(
        limit.is_none_or(|limit| limit >= 4_096),
        "the hard limit of file descriptors is {limit:?}; these tests need 4096 (ulimit -Hn)"
    );
}

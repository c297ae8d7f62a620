//! Starts and stops the listener: its thread, its runtime, its one worker.

use super::guard::Guard;
use super::{AdminContext, frame, hold, index, log, metrics, settings};
use crate::http::extract::BodyLimits;
use crate::http::probes;
use crate::http::problem::Problem;
use crate::http::problem::kinds::NOT_FOUND;
use crate::lifecycle::{spawn_local, spawn_thread};
use crate::settings::AdminSettings;
use crate::telemetry::metrics::sample_lag;
use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use secrecy::SecretString;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// Far more than any scraper, probe and operator together need; a bound, so that whoever reaches
/// the port cannot use up the descriptors of the process.
const MAX_CONNECTIONS: usize = 256;
/// What a request here may carry and for how long; the largest body is a log filter.
const BODY: BodyLimits = BodyLimits {
    size: 16 * 1024,
    time: Duration::from_secs(5),
};
/// How long the last scrape may take to end when the listener stops, in seconds.
const STOP_SECONDS: u64 = 1;

/// Why the admin listener could not be started.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is taken, or not one of this machine.
    #[error("the admin listener could not be bound to {address} (admin.host, admin.port)")]
    Bind {
        /// Where it should have been.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The system gives no thread, or no poll.
    #[error("the admin listener could not be started")]
    Start(#[source] io::Error),
}

/// The running listener. Dropping it leaves it running: it ends with [`stop`](Self::stop).
#[derive(Debug)]
pub struct AdminServer {
    address: SocketAddr,
    guard: Arc<Guard>,
    handle: ServerHandle,
    ended: oneshot::Receiver<()>,
}

impl AdminServer {
    /// Where it listens, with the port that it got when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts another token in force, for requests from now on.
    pub fn replace_token(&self, token: Option<SecretString>) {
        self.guard.replace_token(token);
    }

    /// Stops accepting, lets what is in flight finish (a second at most) and ends its thread.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        // An error means that the thread is gone already.
        let _ = self.ended.await;
    }
}

/// Binds the listener and serves it from a thread of its own; returns once it accepts.
///
/// Blocks for the few milliseconds that the thread takes to come up.
pub fn start(context: AdminContext, settings: &AdminSettings) -> Result<AdminServer, AdminError> {
    let asked = SocketAddr::new(settings.host, settings.port);
    let bind_error = |source| AdminError::Bind {
        address: asked,
        source,
    };
    let listener = TcpListener::bind(asked).map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    let guard = Arc::new(Guard::new(
        settings.token.clone(),
        settings.allowed_hosts.clone(),
    ));

    let (started, starts) = channel();
    let (ends, ended) = oneshot::channel();
    let for_thread = Arc::clone(&guard);
    spawn_thread("admin", move || {
        actix_web::rt::System::new().block_on(serve(listener, context, for_thread, started));
        // Nobody waits when the whole process is ending by force.
        let _ = ends.send(());
    })
    .map_err(AdminError::Start)?;
    let handle = starts
        .recv()
        .map_err(|_| AdminError::Start(io::Error::other("its thread ended at once")))?
        .map_err(AdminError::Start)?;
    tracing::info!(admin.address = %address, "admin listener started");
    Ok(AdminServer {
        address,
        guard,
        handle,
        ended,
    })
}

async fn serve(
    listener: TcpListener,
    context: AdminContext,
    guard: Arc<Guard>,
    started: Sender<io::Result<ServerHandle>>,
) {
    let lag = context.lag.clone();
    let registry = Data::new(context.registry.clone());
    let health = Data::new(context.health.clone());
    let readiness = Data::new(context.readiness.clone());
    let log_control = Data::new(context.log.clone());
    let context = Data::new(context);
    let guard = Data::from(guard);
    let server = HttpServer::new(move || {
        // Run once for each worker, on the worker: there is one.
        spawn_local("admin_runtime_lag", sample_lag(lag.clone()));
        App::new()
            .app_data(registry.clone())
            .app_data(health.clone())
            .app_data(readiness.clone())
            .app_data(log_control.clone())
            .app_data(context.clone())
            .app_data(guard.clone())
            .app_data(Data::new(BODY))
            .wrap(from_fn(frame::frame))
            .configure(index::configure)
            .configure(metrics::configure)
            .configure(probes::configure)
            .configure(settings::configure)
            .configure(log::configure)
            .configure(hold::configure)
            .default_service(web::to(not_found))
    })
    .workers(1)
    // Actix bounds the time for the first head of a connection only; with one request for each,
    // that is every head. A scrape every few seconds does not feel the difference.
    .keep_alive(KeepAlive::Disabled)
    .max_connections(MAX_CONNECTIONS)
    .shutdown_timeout(STOP_SECONDS)
    .disable_signals()
    .listen(listener);
    let server = match server {
        Ok(server) => server.run(),
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(server.handle()));
    if let Err(error) = server.await {
        tracing::error!(%error, "admin listener failed");
    }
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::new(&NOT_FOUND)
        .detail("The admin listener has no such path; GET / lists those that it has."))
}

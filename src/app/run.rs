//! The life of the built service: serve until told to stop, then end in order.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::accounts::token::TokenKeys;
use crate::admin::AdminServer;
use crate::http::InFlight;
use crate::lifecycle::{Shutdown, ShutdownReport, Unfinished, spawn_local, systemd};
use crate::settings::Loaded;

use super::App;

/// What the steps of the end may take that neither the drain nor the grace covers.
const TIDY_UP: Duration = Duration::from_secs(2);

/// What the running service is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Reload,
    Stop,
    ExitNow,
}

/// Tells a running service to stop, or to read its secrets anew. Clones tell the same one.
#[derive(Debug, Clone)]
pub struct AppHandle(pub(super) UnboundedSender<Told>);

impl AppHandle {
    /// Ends it in order: drain, finish, tidy up.
    pub fn stop(&self) {
        // It fails when the service has ended, which is what was asked for.
        let _ = self.0.send(Told::Stop);
    }

    /// Ends it at once, whatever is in flight.
    pub fn exit_now(&self) {
        let _ = self.0.send(Told::ExitNow);
    }

    /// Reads the secrets that come from files again. The old ones stay in force when that fails.
    pub fn reload_secrets(&self) {
        let _ = self.0.send(Told::Reload);
    }
}

impl App {
    /// Serves until it is told to stop, then ends in order: unready at once; the drain, in which everything is still
    /// answered, with `Connection: close`; no more accepting; what is in flight; background tasks; the pool; and last
    /// the admin listener, which has answered all the while.
    pub async fn run(self) -> ShutdownReport {
        let Self {
            loaded,
            readiness,
            database,
            keys,
            tasks,
            admin,
            public,
            told: (_, mut told),
            ..
        } = self;
        let shutdown = &loaded.settings.shutdown;
        let (handle, in_flight) = (public.server.handle(), public.in_flight);
        let (ended, end) = oneshot::channel();
        let server = public.server;
        spawn_local("public listener", async move {
            let _ = ended.send(server.await);
        });
        systemd::notify_ready();
        let mut exiting = false;
        let unexpected = tokio::select! {
            end = end => Some(end),
            word = listen(&mut told, || reload(&loaded, &keys, &admin)) => {
                exiting = word == Told::ExitNow;
                None
            }
        };
        readiness.start_draining();
        systemd::notify_stopping();
        let pause = if exiting || unexpected.is_some() {
            Duration::ZERO
        } else {
            shutdown.drain_delay
        };
        let patience = if exiting {
            Duration::ZERO
        } else {
            shutdown.grace
        };
        let steps = Shutdown::new(pause + patience + 3 * TIDY_UP)
            .step("drain", pause + TIDY_UP, async {
                tokio::time::sleep(pause).await;
                unexpected.map_or(Ok(()), |end| {
                    Err(Unfinished(format!(
                        "the public listener ended by itself: {end:?}"
                    )))
                })
            })
            .step(
                "public listener",
                patience + TIDY_UP,
                finish(handle, patience, in_flight.clone()),
            )
            .leaving(|| left(&in_flight))
            .step("background tasks", TIDY_UP, async {
                match tasks.shutdown(TIDY_UP / 2).await.as_slice() {
                    [] => Ok(()),
                    cut => Err(Unfinished(cut.join(", "))),
                }
            })
            .step("database", TIDY_UP, async {
                database.close();
                Ok(())
            })
            .step("admin listener", TIDY_UP, async {
                admin.stop().await;
                Ok(())
            });
        steps
            .run(async { while listen(&mut told, || {}).await != Told::ExitNow {} })
            .await
    }
}

/// Waits for the word to stop; does what a reload asks for meanwhile.
async fn listen(told: &mut UnboundedReceiver<Told>, reload: impl Fn()) -> Told {
    loop {
        match told.recv().await {
            Some(Told::Reload) => reload(),
            Some(word) => return word,
            // Cannot be: the service itself holds a sender.
            None => return Told::Stop,
        }
    }
}

/// Puts the secrets that are in the files now in force.
fn reload(loaded: &Loaded, keys: &TokenKeys, admin: &AdminServer) {
    match loaded.reload_secrets() {
        Ok(secrets) => {
            if let Some(current) = &secrets.jwt_secret {
                keys.replace(current, secrets.jwt_secret_previous.as_ref());
            }
            admin.replace_token(secrets.admin_token);
            tracing::info!("secrets read anew");
        }
        Err(faults) => {
            tracing::error!(error = %faults, "secrets not read anew, the old ones stay in force");
        }
    }
}

/// Stops accepting and waits for what is in flight, for so long.
async fn finish(
    handle: ServerHandle,
    patience: Duration,
    in_flight: InFlight,
) -> Result<(), Unfinished> {
    let stopped = tokio::time::timeout(patience, handle.stop(true)).await;
    if stopped.is_ok() {
        return Ok(());
    }
    // A server that is stopping gracefully heeds no second word; the end of the process cuts what is left.
    left(&in_flight).map_or(Ok(()), |left| Err(Unfinished(left)))
}

/// What is lost when the public listener is cut now; `None` when that is nothing.
fn left(in_flight: &InFlight) -> Option<String> {
    match in_flight.count() {
        ..1 => None,
        1 => Some("1 request in flight".to_owned()),
        more => Some(format!("{more} requests in flight")),
    }
}

//! The signals that the process understands, as events.
//!
//! SIGTERM and SIGINT ask for an ordered end, a second one of either for an immediate one;
//! SIGHUP asks to read the secrets anew. The one rule: this only tells; what happens is decided
//! by `app.rs`.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal means at the moment it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalEvent {
    /// End in order: drain, finish, flush.
    Shutdown,
    /// End at once: whoever asks twice does not want to wait.
    ExitNow,
    /// Read the secrets from their files again.
    Reload,
}

/// The stream of signals of this process.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    asked_to_end: bool,
}

impl Signals {
    /// Takes the signals over from the operating system, whose defaults would end the process.
    ///
    /// Must be called inside a runtime. Fails only when the system refuses to register handlers.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            asked_to_end: false,
        })
    }

    /// Waits for the next signal. Safe to drop while waiting: no signal is lost.
    pub async fn next(&mut self) -> SignalEvent {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        };
        tracing::info!(signal.name = name, "signal received");
        interpret(name, &mut self.asked_to_end)
    }
}

fn interpret(name: &str, asked_to_end: &mut bool) -> SignalEvent {
    if name == "SIGHUP" {
        SignalEvent::Reload
    } else if std::mem::replace(asked_to_end, true) {
        SignalEvent::ExitNow
    } else {
        SignalEvent::Shutdown
    }
}

#[cfg(test)]
mod tests {
    use super::{SignalEvent, interpret};

    #[test]
    fn the_second_request_to_end_means_at_once_whichever_signal_it_is() {
        let mut asked = false;
        assert_eq!(interpret("SIGTERM", &mut asked), SignalEvent::Shutdown);
        assert_eq!(interpret("SIGINT", &mut asked), SignalEvent::ExitNow);
        assert_eq!(interpret("SIGTERM", &mut asked), SignalEvent::ExitNow);
    }

    #[test]
    fn a_reload_does_not_count_as_a_request_to_end() {
        let mut asked = false;
        assert_eq!(interpret("SIGHUP", &mut asked), SignalEvent::Reload);
        assert_eq!(interpret("SIGINT", &mut asked), SignalEvent::Shutdown);
    }
}

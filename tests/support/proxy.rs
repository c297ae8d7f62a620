//! A TCP proxy between the service and something it depends on, which can be made to misbehave: freeze, so that bytes go
//! nowhere and no connection ends; hold back answers only; turn new connections away; cut, at once or after some bytes, so that
//! connections are reset. It runs on the test's own runtime.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does with connections, old and new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Forwards.
    Pass,
    /// Takes everything and forwards nothing, until it passes again.
    Freeze,
    /// Takes what the client says to the server, and forwards nothing that the server answers, until it passes again.
    Mute,
    /// Resets what is opened; what is open goes on.
    TurnAway,
    /// Resets what is open and whatever is opened.
    Cut,
    /// Resets each connection after so many more bytes, of both directions together.
    CutAfter(usize),
}

/// The proxy; it is gone with its value.
pub(crate) struct Proxy {
    address: SocketAddr,
    target: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// A proxy in front of what listens there, on a port of its own.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (mode, watched) = watch::channel(Mode::Pass);
        spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if watched.has_changed().is_err() {
                    break; // the proxy is gone
                }
                spawn(relay(client, target, watched.clone()));
            }
        });
        Self {
            address,
            target,
            mode,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL of its target, led through it.
    pub(crate) fn url(&self, of_target: &str) -> String {
        let url = of_target.replace(&self.target.to_string(), &self.address.to_string());
        assert_ne!(url, of_target, "this is no URL of {}", self.target);
        url
    }

    /// From now on.
    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn relay(mut client: TcpStream, target: SocketAddr, mut mode: watch::Receiver<Mode>) {
    while *mode.borrow_and_update() == Mode::Freeze {
        if mode.changed().await.is_err() {
            return;
        }
    }
    let mut server = match TcpStream::connect(target).await {
        Ok(server) if !matches!(*mode.borrow(), Mode::Cut | Mode::TurnAway) => server,
        _ => return reset(&[&client]),
    };
    let (mut upwards, mut downwards) = ([0; 16 * 1024], [0; 16 * 1024]);
    let mut now = *mode.borrow_and_update();
    let mut left = allowance(now);
    while left > 0 {
        let (up, down) = match now {
            Mode::Freeze => (false, false),
            Mode::Mute => (true, false),
            _ => (true, true),
        };
        let forwarded = tokio::select! {
            changed = mode.changed() => match changed {
                Ok(()) => {
                    now = *mode.borrow_and_update();
                    left = allowance(now);
                    Some(0)
                }
                Err(_) => None,
            },
            read = client.read(&mut upwards), if up => forward(read, &upwards, left, &mut server).await,
            read = server.read(&mut downwards), if down => forward(read, &downwards, left, &mut client).await,
        };
        match forwarded {
            Some(length) => left -= length,
            None => return,
        }
    }
    reset(&[&client, &server]);
}

/// How many more bytes may pass.
fn allowance(mode: Mode) -> usize {
    match mode {
        Mode::Cut => 0,
        Mode::CutAfter(bytes) => bytes,
        Mode::Pass | Mode::Freeze | Mode::Mute | Mode::TurnAway => usize::MAX,
    }
}

/// Hands on what was read, no more than is left; how much that was. `None` when there was nothing, or nobody took it.
async fn forward(
    read: std::io::Result<usize>,
    bytes: &[u8],
    left: usize,
    to: &mut TcpStream,
) -> Option<usize> {
    let length = read.ok().filter(|length| *length > 0)?.min(left);
    to.write_all(&bytes[..length]).await.ok()?;
    Some(length)
}

/// What is dropped after this is reset instead of closed.
fn reset(streams: &[&TcpStream]) {
    for stream in streams {
        let _closed_already = stream.set_zero_linger();
    }
}

fn spawn(task: impl Future<Output = ()> + 'static) {
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    actix_web::rt::spawn(task);
}

//! A TCP proxy between the service and something it depends on, which can be made to misbehave: freeze, so that bytes go
//! nowhere and no connection ends, or cut, so that every connection is reset. It runs on the test's own runtime.

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
    /// Resets what is open and whatever is opened.
    Cut,
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
        Ok(server) if *mode.borrow() == Mode::Pass => server,
        _ => return reset(&[&client]),
    };
    let (mut upwards, mut downwards) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        let now = *mode.borrow_and_update();
        let passes = now == Mode::Pass;
        if now == Mode::Cut {
            return reset(&[&client, &server]);
        }
        let forwarded = tokio::select! {
            changed = mode.changed() => changed.is_ok(),
            read = client.read(&mut upwards), if passes => forward(read, &upwards, &mut server).await,
            read = server.read(&mut downwards), if passes => forward(read, &downwards, &mut client).await,
        };
        if !forwarded {
            return;
        }
    }
}

/// Whether there was something to forward, and it was.
async fn forward(read: std::io::Result<usize>, bytes: &[u8], to: &mut TcpStream) -> bool {
    match read {
        Ok(length) if length > 0 => to.write_all(&bytes[..length]).await.is_ok(),
        _ => false,
    }
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

//! TLS from the client's side: a certificate of the test's own, and a door through which whatever speaks plain HTTP gets to
//! a listener that does not. So clients and raw connections are the same with TLS and without.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The name that certificates are for.
const NAME: &str = "localhost";

/// A certificate that signs itself, and its key, in two files.
pub(crate) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    itself: CertificateDer<'static>,
}

impl Certificate {
    /// Makes one, in files of this name.
    pub(crate) fn in_folder(folder: &Path, name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a name");
        let (cert, key) = (
            folder.join(format!("{name}.crt")),
            folder.join(format!("{name}.key")),
        );
        std::fs::write(&cert, made.cert.pem()).expect("a file");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        Self {
            cert,
            key,
            itself: made.cert.der().clone(),
        }
    }

    /// For `server.tls.cert`.
    pub(crate) fn cert(&self) -> String {
        self.cert.display().to_string()
    }

    /// For `server.tls.key`.
    pub(crate) fn key(&self) -> String {
        self.key.display().to_string()
    }

    /// A connection to who has this certificate, after the handshake; fails with anybody else, or without TLS.
    pub(crate) async fn connect(
        &self,
        to: SocketAddr,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut trusted = RootCertStore::empty();
        trusted.add(self.itself.clone()).expect("a certificate");
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("a provider that knows them")
            .with_root_certificates(trusted)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(to).await?;
        let name = ServerName::try_from(NAME).expect("a name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// A door to who has this certificate, for those who speak plain HTTP; open as long as the test's runtime.
    pub(crate) async fn door(self: &Arc<Self>, to: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let certificate = Arc::clone(self);
        spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let certificate = Arc::clone(&certificate);
                spawn(async move {
                    match certificate.connect(to, &[b"http/1.1"]).await {
                        Ok(server) => Box::pin(relay(client, server)).await,
                        Err(_refused) => drop(client.set_zero_linger()),
                    }
                });
            }
        });
        address
    }
}

/// Carries everything over, and the end of it as it was: in order, or by a reset.
async fn relay(mut client: TcpStream, mut server: TlsStream<TcpStream>) {
    let (mut upwards, mut downwards) = ([0; 16 * 1024], [0; 16 * 1024]);
    let mut listens = true;
    loop {
        tokio::select! {
            read = client.read(&mut upwards), if listens => match read {
                Ok(0) => {
                    listens = false;
                    let _gone = server.shutdown().await;
                }
                Ok(length) => {
                    let written = server.write_all(&upwards[..length]).await;
                    if written.is_err() || server.flush().await.is_err() {
                        return drop(client.set_zero_linger());
                    }
                }
                Err(_reset) => return drop(server.get_ref().0.set_zero_linger()),
            },
            read = server.read(&mut downwards) => match read {
                Ok(0) => return,
                Ok(length) => if client.write_all(&downwards[..length]).await.is_err() {
                    return drop(server.get_ref().0.set_zero_linger());
                },
                Err(_reset) => return drop(client.set_zero_linger()),
            },
        }
    }
}

fn spawn(task: impl Future<Output = ()> + 'static) {
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    actix_web::rt::spawn(task);
}

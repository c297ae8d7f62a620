//! From accepted connections to requests: Actix' own HTTP/1.1 service, put together as `HttpServer` does it, but over
//! streams that are [watched](super::connection). `HttpServer` takes no streams but its own.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::error::DispatchError;
use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::connection::{Abort, Early, Patience, Place, Places, Refusal, Turnstile, Watched};
use super::metrics::{Closing, HttpMetrics};
use super::middleware::{EarlyRefusal, Guard, Observer};

/// How long a connection that is being closed may take to read what was written to it last.
const CLOSING: Duration = Duration::from_secs(1);

/// Connections that the kernel may hold until they are accepted; it allows no more than `net.core.somaxconn`. The standard
/// library asks for 128: of a thousand that came at once, two dozen were dropped and came back a second later.
const BACKLOG: u32 = 4_096;

/// Bytes of an answer that the kernel may hold unsent. With what it would take by itself, megabytes, a client that takes
/// nothing would look for long like one that takes all.
const UNSENT: u32 = 16 * 1024;

/// A socket that listens there. Needs a Tokio runtime around it.
pub(super) fn bind(address: SocketAddr, patience: Duration) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart must not wait for the connections of the process before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // Each connection inherits these. The second is for what the kernel was given to send, and cannot get rid of.
    let options = SockRef::from(&socket);
    options.set_tcp_notsent_lowat(UNSENT)?;
    options.set_tcp_user_timeout(Some(patience))?;
    socket.listen(BACKLOG)?.into_std()
}

/// What holds for every connection.
#[derive(Clone)]
pub(super) struct Connections {
    /// How long an idle one is kept for the next request.
    pub(super) keep_alive: Duration,
    /// How long a client is waited for.
    pub(super) patience: Patience,
    /// How many there may be.
    pub(super) places: Places,
    /// For those that end before a request is understood.
    pub(super) metrics: HttpMetrics,
    /// For the TLS handshake, if there is one.
    pub(super) tls: Option<ServerConfig>,
    /// For what is refused by the connection itself.
    pub(super) observer: Arc<Observer>,
    /// The same.
    pub(super) shield: Arc<Guard>,
    /// Whether origins are configured.
    pub(super) cors: bool,
}

impl Connections {
    /// One worker's. None where browsers of other origins may ask: what CORS adds to every answer is its own affair.
    fn turnstile(&self) -> Option<Rc<dyn Turnstile>> {
        let (observer, shield) = (Arc::clone(&self.observer), Arc::clone(&self.shield));
        (!self.cors).then(|| Rc::new(EarlyRefusal::new(observer, shield)) as Rc<dyn Turnstile>)
    }
}

/// Has the server answer what comes in on the listener, by the applications that `app` makes, one for each worker.
pub(super) fn listen<F, I, S, B>(
    builder: ServerBuilder,
    listener: TcpListener,
    connections: Connections,
    app: F,
) -> io::Result<ServerBuilder>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let signal = builder.graceful_shutdown_signal();
    let Some(mut tls) = connections.tls.clone() else {
        return builder.listen("public", listener, move || {
            let (admitting, turnstile) = (connections.clone(), connections.turnstile());
            fn_service(move |stream: TcpStream| {
                let (connections, turnstile) = (admitting.clone(), turnstile.clone());
                async move {
                    let (place, peer) = match admit(&connections.places, &stream) {
                        Ok(admitted) => admitted,
                        Err(refusal) => return Err(turn_away(stream, refusal).await),
                    };
                    let watched = Watched::new(stream, place, connections.patience)
                        .refusing(Early::new(turnstile, peer, connections.keep_alive));
                    Ok((watched, Protocol::Http1, peer))
                }
            })
            .and_then(requests(&connections, signal.clone(), &app))
        });
    };
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tls = TlsAcceptor::from(Arc::new(tls));
    builder.listen("public", listener, move || {
        let (admitting, tls) = (connections.clone(), tls.clone());
        let turnstile = connections.turnstile();
        fn_service(move |stream: TcpStream| {
            let (connections, tls) = (admitting.clone(), tls.clone());
            let turnstile = turnstile.clone();
            async move {
                let admitted = admit(&connections.places, &stream);
                let (place, peer) = admitted.map_err(|_refusal| turned_away())?;
                // It comes before the head, and may take as long.
                let handshake = timeout(connections.patience.header, tls.accept(stream)).await;
                let Ok(Ok(stream)) = handshake else {
                    place.closing(Closing::Handshake);
                    return Err(turned_away());
                };
                let watched = Watched::new(stream, place, connections.patience)
                    .refusing(Early::new(turnstile, peer, connections.keep_alive));
                Ok((watched, Protocol::Http1, peer))
            }
        })
        .and_then(requests(&connections, signal.clone(), &app))
    })
}

/// A place for the connection, and who is at its other end.
fn admit(places: &Places, stream: &TcpStream) -> Result<(Place, Option<SocketAddr>), Refusal> {
    let peer = stream.peer_addr().ok();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    Ok((places.take(address)?, peer))
}

/// Says why, to a client that has perhaps asked already, and does not wait for it.
async fn turn_away(mut stream: TcpStream, refusal: Refusal) -> DispatchError {
    let answer = refusal.answer().unwrap_or_default();
    // It fits into the buffer of a connection that nothing was sent on.
    let _sent = stream.write_all(&answer).await;
    let _closed = stream.shutdown().await;
    // Closed with something unread, it would be reset, and the answer lost.
    let _unread = stream.try_read(&mut [0; 4 * 1024]);
    turned_away()
}

/// For the server, which does nothing with it.
fn turned_away() -> DispatchError {
    DispatchError::Io(io::ErrorKind::ConnectionAborted.into())
}

/// The service of one worker, for one kind of stream.
fn requests<T, F, I, S, B>(
    connections: &Connections,
    signal: GracefulShutdownSignal,
    app: &F,
) -> impl ServiceFactory<
    (Watched<T>, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<T, F, I, S, B>
where
    T: AsyncRead + AsyncWrite + Abort + Unpin + 'static,
    F: Fn() -> I,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let metrics = connections.metrics.clone();
    let app = app()
        .into_factory()
        .map_err(|error| error.into().error_response());
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let signal = signal.clone();
            async move { signal.notified().await }
        })
        .keep_alive(KeepAlive::Timeout(connections.keep_alive))
        // Its timer knows of the first head alone.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(CLOSING)
        .on_connect_ext(move |stream: &Watched<T>, extensions| {
            extensions.insert(stream.peer());
        })
        .finish(map_config(app, |()| AppConfig::default()))
        .map_err(move |error| {
            if matches!(error, DispatchError::Parse(_)) {
                metrics.connections_closed.with(Closing::Malformed).inc();
            }
            error
        })
}

//! From accepted connections to requests: Actix' own HTTP/1.1 service, put together as `HttpServer` does it, but over
//! streams that are [watched](super::connection). `HttpServer` takes no streams but its own.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::error::DispatchError;
use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Watched;
use super::metrics::Presence;

/// How long a connection that is being closed may take to read what was written to it last.
const CLOSING: Duration = Duration::from_secs(1);

/// What holds for every connection.
#[derive(Clone)]
pub(super) struct Connections {
    /// How long an idle one is kept for the next request.
    pub(super) keep_alive: Duration,
    /// The longest that the first head may take.
    pub(super) header_timeout: Duration,
    /// Counts those that are open.
    pub(super) open: Presence,
    /// For the TLS handshake, if there is one.
    pub(super) tls: Option<ServerConfig>,
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
    let Some(tls) = connections.tls.clone() else {
        return builder.listen("public", listener, move || {
            fn_service(|stream: TcpStream| async {
                let peer = stream.peer_addr().ok();
                Ok((Watched::new(stream), Protocol::Http1, peer))
            })
            .and_then(requests(&connections, signal.clone(), &app))
        });
    };
    builder.listen("public", listener, move || {
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Acceptor::new(tls)
            .map_init_err(|()| ())
            .map_err(TlsError::into_service_error)
            .and_then(|stream: TlsStream<TcpStream>| async {
                let peer = stream.get_ref().0.peer_addr().ok();
                Ok((Watched::new(stream), Protocol::Http1, peer))
            })
            .and_then(requests(&connections, signal.clone(), &app).map_err(TlsError::Service))
    })
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
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Fn() -> I,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let open = connections.open.clone();
    let app = app()
        .into_factory()
        .map_err(|error| error.into().error_response());
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let signal = signal.clone();
            async move { signal.notified().await }
        })
        .keep_alive(KeepAlive::Timeout(connections.keep_alive))
        .client_request_timeout(connections.header_timeout)
        .client_disconnect_timeout(CLOSING)
        .on_connect_ext(move |stream: &Watched<T>, extensions| {
            // Both live as long as the connection.
            extensions.insert(open.enter());
            extensions.insert(stream.peer());
        })
        .finish(map_config(app, |()| AppConfig::default()))
}

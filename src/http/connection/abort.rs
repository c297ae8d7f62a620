//! How a stream is ended at once.

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What can be ended whatever is still to be sent on it.
pub(in crate::http) trait Abort {
    /// Has it reset when it is closed, so that nothing of it is kept.
    fn abort(&self);
}

impl Abort for TcpStream {
    fn abort(&self) {
        // It fails when there is no connection any more.
        let _ = self.set_zero_linger();
    }
}

impl Abort for TlsStream<TcpStream> {
    fn abort(&self) {
        self.get_ref().0.abort();
    }
}

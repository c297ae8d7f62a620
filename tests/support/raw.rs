//! HTTP/1.1 by hand over one TCP connection, for what a client library would never send: halves of requests, two at
//! once, nonsense, silence, a reset. Every wait has a deadline, so a server that hangs fails the test that shows it.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::Answer;

/// Longest wait for anything that must come. The server's own limits are below it.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Raw {
    stream: TcpStream,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
}

/// An answer, as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct RawResponse {
    /// Of the status line.
    pub(crate) status: u16,
    /// In order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Without the framing of chunks.
    pub(crate) body: Vec<u8>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer closed it in order.
    Closed,
    /// The peer, or something on the way, reset it.
    Reset,
}

impl RawResponse {
    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(has, _)| has == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The same as a client's answer, for what is asserted on those.
    pub(crate) fn answer(&self) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        Answer {
            status: self.status,
            headers,
            body: self.body.clone(),
        }
    }
}

impl Raw {
    /// Opens a connection.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(to))
            .await
            .expect("it listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends these bytes, all of them.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(
            "the bytes to be sent",
            self.stream.write_all(bytes.as_ref()),
        )
        .await
        .expect("it is open");
    }

    /// Sends these bytes if the peer still takes them.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        within(
            "the bytes to be sent",
            self.stream.write_all(bytes.as_ref()),
        )
        .await
        .is_ok()
    }

    /// Says that nothing more will be sent, and still listens.
    pub(crate) async fn half_close(&mut self) {
        within("the half-close", self.stream.shutdown())
            .await
            .expect("it is open");
    }

    /// The ports of this end of the connection and of the other.
    pub(crate) fn ports(&self) -> (u16, u16) {
        let (own, other) = (self.stream.local_addr(), self.stream.peer_addr());
        (
            own.expect("connected").port(),
            other.expect("connected").port(),
        )
    }

    /// Goes away the hard way: the peer gets a reset, not an end.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().expect("a TCP socket");
    }

    /// The next answer to anything but `HEAD`; `None` when the connection ends before one begins.
    pub(crate) async fn response(&mut self) -> Option<RawResponse> {
        within("an answer", self.read_response(true)).await
    }

    /// The status of an interim answer, such as 100, when one comes before anything else.
    pub(crate) async fn interim(&mut self) -> Option<u16> {
        let head = within("an interim answer", self.take_line_block()).await?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        (100..200).contains(&status).then_some(status)
    }

    /// The next answer to a `HEAD`, which announces a body that does not come.
    pub(crate) async fn response_to_head(&mut self) -> Option<RawResponse> {
        within("an answer", self.read_response(false)).await
    }

    /// Everything until the connection ends, and how it does.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, End) {
        within("the end of the connection", async {
            let end = loop {
                match self.read_more().await {
                    Ok(true) => {}
                    Ok(false) => break End::Closed,
                    Err(_) => break End::Reset,
                }
            };
            (std::mem::take(&mut self.buffer), end)
        })
        .await
    }

    /// Whether nothing comes for so long: neither a byte nor an end.
    pub(crate) async fn is_silent_for(&mut self, duration: Duration) -> bool {
        self.buffer.is_empty()
            && tokio::time::timeout(duration, self.read_more())
                .await
                .is_err()
    }

    async fn read_more(&mut self) -> std::io::Result<bool> {
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    async fn read_response(&mut self, with_body: bool) -> Option<RawResponse> {
        let head = loop {
            let head = self.take_line_block().await?;
            if !head.starts_with("HTTP/1.1 1") {
                break head; // a final answer, not `100 Continue`
            }
        };
        let mut lines = head.split("\r\n");
        let status = lines
            .next()?
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let mut response = RawResponse {
            status: status.unwrap_or_else(|| panic!("not a status line: {head}")),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: Vec::new(),
        };
        if with_body && !matches!(response.status, 204 | 304) {
            response.body = self.read_body(&response).await;
        }
        Some(response)
    }

    async fn read_body(&mut self, head: &RawResponse) -> Vec<u8> {
        if head.header("transfer-encoding") == Some("chunked") {
            let mut body = Vec::new();
            loop {
                let size = self.take_until(b"\r\n").await.expect("a chunk's size");
                let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
                let chunk = self.take(size + 2).await;
                if size == 0 {
                    return body;
                }
                body.extend_from_slice(&chunk[..size]);
            }
        }
        if let Some(length) = head.header("content-length") {
            return self.take(length.parse().expect("a length")).await;
        }
        while self.read_more().await.unwrap_or(false) {}
        std::mem::take(&mut self.buffer)
    }

    async fn take_line_block(&mut self) -> Option<String> {
        self.take_until(b"\r\n\r\n").await
    }

    /// What comes before the mark, which is dropped; `None` when the connection ends first.
    async fn take_until(&mut self, mark: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self
                .buffer
                .windows(mark.len())
                .position(|window| window == mark)
            {
                let rest = self.buffer.split_off(at + mark.len());
                let mut taken = std::mem::replace(&mut self.buffer, rest);
                taken.truncate(at);
                return Some(String::from_utf8_lossy(&taken).into_owned());
            }
            if !self.read_more().await.unwrap_or(false) {
                return None;
            }
        }
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            assert!(
                self.read_more().await.unwrap_or(false),
                "the connection ended inside a body"
            );
        }
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

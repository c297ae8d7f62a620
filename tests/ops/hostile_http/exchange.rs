//! Bytes there and bytes back, over whatever carries them; nothing is taken for granted of either.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for an answer or an end. What is refused ends within milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// For this long nothing may come before it is believed that nothing more will, where the connection is to be kept and
/// everything that is expected has come.
const QUIET: Duration = Duration::from_millis(250);

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// The end of the connection.
    Ended,
    /// So many answers.
    Answered(usize),
}

/// What came back.
#[derive(Debug)]
pub(super) struct Said {
    /// Of all answers, in order.
    pub(super) statuses: Vec<u16>,
    /// The connection has ended.
    pub(super) closed: bool,
    /// It was reset, and a client that reads later would not have seen what was said last.
    pub(super) reset: bool,
    /// The first answer is a problem document.
    pub(super) is_problem: bool,
    /// Everything.
    pub(super) text: String,
}

pub(super) async fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).await.expect("it listens");
    stream.set_nodelay(true).expect("a TCP socket");
    stream
}

/// Sends the bytes in pieces of that size, and takes what comes back until the connection ends; or until there is what is
/// waited for, and nothing more comes.
pub(super) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    bytes: &[u8],
    size: usize,
    until: Until,
) -> Said {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut back = Vec::new();
    let send = async {
        for piece in bytes.chunks(size) {
            // Who has been refused need not listen any more.
            if writer.write_all(piece).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        std::future::pending::<()>().await;
    };
    let receive = async {
        loop {
            let patience = match until {
                Until::Answered(count) if statuses(&back).len() >= count => QUIET,
                _ => PATIENCE,
            };
            match tokio::time::timeout(patience, reader.read_buf(&mut back)).await {
                Ok(Ok(length)) if length > 0 => {}
                Ok(ended) => return (true, ended.is_err()),
                Err(_quiet) => return (false, false),
            }
        }
    };
    let (closed, reset) = tokio::select! {
        ended = receive => ended,
        () = send => unreachable!("it waits for ever"),
    };
    let text = String::from_utf8_lossy(&back).into_owned();
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    Said {
        statuses: statuses(&back),
        closed,
        reset,
        is_problem: head.contains("application/problem+json"),
        text,
    }
}

/// Of all answers that have begun.
fn statuses(back: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(back);
    let starts = text.match_indices("HTTP/1.");
    let words = starts.filter_map(|(at, start)| text.get(at + start.len() + 2..)?.get(..3));
    words.filter_map(|status| status.parse().ok()).collect()
}

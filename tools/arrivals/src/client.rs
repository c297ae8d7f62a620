//! HTTP as little as it takes: one request on a connection at a time, connections kept for the next one, answers read to
//! their end and thrown away but for their status.

use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::plan::{Plan, Workload};

/// A page of the catalog as it is asked for.
const PAGE: &str = "/api/v1/products?limit=100";

/// Connections are opened when all others are in use.
pub(crate) struct Client {
    api: SocketAddr,
    idle: RefCell<Vec<Connection>>,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn new(api: SocketAddr) -> Self {
        Self {
            api,
            idle: RefCell::default(),
        }
    }

    /// Sends a request; the status of the answer.
    pub(crate) async fn exchange(&self, request: &[u8]) -> io::Result<u16> {
        let mut connection = self.connection().await?;
        let head = connection.exchange(request).await?;
        if head.keeps_open {
            self.idle.borrow_mut().push(connection);
        }
        Ok(head.status)
    }

    async fn connection(&self) -> io::Result<Connection> {
        // The one used last: those that nobody needs rest, and are closed by the service in the end.
        let idle = self.idle.borrow_mut().pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let stream = TcpStream::connect(self.api).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
        })
    }

    /// Logs in and looks at the catalog: what is sent afterwards.
    pub(crate) async fn requests(&self, plan: &Plan) -> Result<Requests, Box<dyn Error>> {
        let login = json!({"email": plan.email, "password": plan.password});
        let session = self
            .ask(&post("/api/v1/sessions", "", &login.to_string()))
            .await?;
        let token = session["access_token"].as_str().ok_or("no access token")?;
        let page = self.ask(&get(PAGE)).await?;
        let products = page["items"].as_array().ok_or("no products")?;
        let in_stock = products
            .iter()
            .filter(|product| product["stock"].as_u64() > Some(0));
        let authorization = format!("Authorization: Bearer {token}\r\n");
        let orders: Vec<Vec<u8>> = in_stock
            .map(|product| {
                let order = json!({"items": [{"product_id": product["id"], "quantity": 1}]});
                post("/api/v1/orders", &authorization, &order.to_string())
            })
            .collect();
        if orders.is_empty() {
            return Err("no product is in stock".into());
        }
        Ok(Requests {
            workload: plan.workload,
            read: get(PAGE),
            orders,
        })
    }

    async fn ask(&self, request: &[u8]) -> Result<Value, Box<dyn Error>> {
        let mut connection = self.connection().await?;
        let head = connection.exchange(request).await?;
        let body = connection.buffer.get(head.length..).unwrap_or_default();
        if !(200..300).contains(&head.status) {
            return Err(format!("{}: {}", head.status, String::from_utf8_lossy(body)).into());
        }
        Ok(serde_json::from_slice(body)?)
    }
}

/// What is sent.
pub(crate) struct Requests {
    workload: Workload,
    read: Vec<u8>,
    /// One for each product.
    orders: Vec<Vec<u8>>,
}

impl Requests {
    /// The bytes of the request with this number.
    pub(crate) fn of(&self, number: usize) -> &[u8] {
        let order = match self.workload {
            Workload::Reads => None,
            Workload::Orders => Some(number),
            Workload::Mixed => (number % 4 == 3).then_some(number / 4),
        };
        order.map_or(&self.read, |order| &self.orders[order % self.orders.len()])
    }
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: glasshouse\r\n\r\n").into_bytes()
}

fn post(path: &str, authorization: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: glasshouse\r\n{authorization}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What is looked at of the beginning of an answer.
struct Head {
    status: u16,
    /// With the empty line behind it.
    length: usize,
    body: usize,
    keeps_open: bool,
}

impl Connection {
    async fn exchange(&mut self, request: &[u8]) -> io::Result<Head> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            self.read_some().await?;
            if let Some(head) = Head::of(&self.buffer)? {
                break head;
            }
        };
        while self.buffer.len() < head.length + head.body {
            self.read_some().await?;
        }
        Ok(head)
    }

    async fn read_some(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Head {
    /// Once all of it is there.
    fn of(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let strange = || io::Error::new(io::ErrorKind::InvalidData, "an answer with another form");
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| strange())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok());
        let (mut body, mut keeps_open) = (None, true);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                body = value.parse().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                keeps_open = !value.eq_ignore_ascii_case("close");
            }
        }
        match (status, body) {
            (Some(status), Some(body)) => Ok(Some(Self {
                status,
                length: end + 4,
                body,
                keeps_open,
            })),
            _ => Err(strange()),
        }
    }
}

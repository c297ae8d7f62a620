//! Refuses in overload by no more than the bytes of a request: with the words of the guard, the headers of every answer, and
//! the end of every request, so that neither its client nor the metrics nor the log can tell it from one that came further.
//!
//! What is not plain here goes the usual way, and is judged there.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

use crate::telemetry::traces::RootSpan;
use crate::telemetry::{RequestContext, RequestId, TraceParent};

use super::super::client_address::X_FORWARDED_FOR;
use super::super::connection::{Peer, Turnstile};
use super::super::problem::{PROBLEM_JSON, Problem};
use super::super::resource;
use super::body::SWALLOWED;
use super::ending::{Ending, Worker};
use super::guard::{Guard, refused};
use super::observe::{Observer, method_label};
use super::{headers, target};

/// More fields than a browser sends.
const MOST_FIELDS: usize = 32;
/// Methods of which nothing special has to be known to refuse them.
const PLAIN: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// One worker's.
pub(in crate::http) struct EarlyRefusal {
    worker: Rc<Worker>,
    guard: Arc<Guard>,
    date: RefCell<Date>,
}

impl EarlyRefusal {
    pub(in crate::http) fn new(observer: Arc<Observer>, guard: Arc<Guard>) -> Self {
        Self {
            worker: Rc::new(Worker::new(observer)),
            guard,
            date: RefCell::default(),
        }
    }
}

impl Turnstile for EarlyRefusal {
    fn refuse(&self, request: &[u8], peer: &Peer, address: Option<SocketAddr>) -> Option<Vec<u8>> {
        let guard = &self.guard;
        if guard.gate.is_open() || !guard.opening.is_open() || guard.readiness.is_draining() {
            return None;
        }
        if request.len() > SWALLOWED || RootSpan::is_wanted_by_the_log() {
            return None;
        }
        let started = Instant::now();
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let asked = Asked::read(request, &mut fields)?;
        let route = resource::template(asked.path)?;
        let observer = &self.worker.observer;
        let sampled = observer.sampling.decide(asked.parent.as_ref());
        peer.keep_sampled(sampled);
        if sampled {
            return None;
        }
        let class = (guard.classify)(asked.method, asked.path);
        let reason = guard.gate.refuse_at_once(class)?;
        peer.take_sampled();
        let problem = refused(class.as_str(), reason);
        let context = RequestContext::new(asked.request_id, asked.parent, sampled);
        context.set_route(route);
        let body = problem
            .document(context.request_id().as_str())
            .unwrap_or_default();
        let answer = self.written(&problem, &body, &context, asked.is_authenticated);
        let mut ending = Ending {
            worker: Rc::clone(&self.worker),
            context: Arc::new(context),
            peer: peer.clone(),
            client: observer.proxies.client_by(address, || asked.forwarded()),
            method: method_label(asked.method),
            authenticated: asked.is_authenticated,
            is_head: false,
            started,
            status: 0,
            error: None,
            closing: false,
            bytes_out: body.len() as u64,
            _present: observer.in_flight.enter(),
        };
        ending.note(problem.kind().status, Some(&problem));
        Some(answer)
    }
}

impl EarlyRefusal {
    /// The answer, head and body.
    fn written(
        &self,
        problem: &Problem,
        body: &[u8],
        context: &RequestContext,
        is_authenticated: bool,
    ) -> Vec<u8> {
        let mut answer = Vec::with_capacity(body.len() + 512);
        answer.extend_from_slice(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: ");
        let mut number = itoa::Buffer::new();
        answer.extend_from_slice(number.format(body.len()).as_bytes());
        answer.extend_from_slice(b"\r\ncontent-type: ");
        answer.extend_from_slice(PROBLEM_JSON.as_bytes());
        if let Some(seconds) = problem.retry_after_seconds() {
            answer.extend_from_slice(b"\r\nretry-after: ");
            answer.extend_from_slice(number.format(seconds).as_bytes());
        }
        answer.extend_from_slice(b"\r\n");
        headers::write(&mut answer, context.request_id(), is_authenticated);
        self.date.borrow_mut().write(&mut answer);
        answer.extend_from_slice(b"\r\n");
        answer.extend_from_slice(body);
        answer
    }
}

/// What is wanted of a request.
struct Asked<'a> {
    method: &'a str,
    /// As it is routed: there is nothing in it to decode.
    path: &'a str,
    fields: &'a [httparse::Header<'a>],
    request_id: RequestId,
    parent: Option<TraceParent>,
    is_authenticated: bool,
}

impl<'a> Asked<'a> {
    /// Reads a plain request for the API.
    fn read(request: &'a [u8], fields: &'a mut [httparse::Header<'a>]) -> Option<Self> {
        let mut head = httparse::Request::new(fields);
        if !head.parse(request).ok()?.is_complete() || head.version != Some(1) {
            return None;
        }
        let method = head.method.filter(|method| PLAIN.contains(method))?;
        let target = head.path?;
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        if !path.starts_with("/api/") || path.contains('%') {
            return None;
        }
        let mut asked = Self {
            method,
            path,
            fields: head.headers,
            request_id: RequestId::generate(),
            parent: None,
            is_authenticated: false,
        };
        let (mut id, mut parent) = (None, None);
        for field in asked.fields {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            match field.name.len() {
                4 if is("host") && !target::is_host(field.value) => return None,
                6 if is("origin") || is("expect") => return None,
                // Whose length is not known beforehand is not swallowed.
                17 if is("transfer-encoding") => return None,
                7 if is("upgrade") => return None,
                10 if is("connection") && !field.value.eq_ignore_ascii_case(b"keep-alive") => {
                    return None;
                }
                11 if is("traceparent") => parent = parent.or(Some(field.value)),
                12 if is("x-request-id") => id = id.or(Some(field.value)),
                13 if is("authorization") => asked.is_authenticated = true,
                _ => {}
            }
        }
        if let Some(id) = id.and_then(text).and_then(RequestId::parse) {
            asked.request_id = id;
        }
        asked.parent = parent.and_then(text).and_then(TraceParent::parse);
        Some(asked)
    }

    fn forwarded(&self) -> Vec<Option<&'a str>> {
        let fields = self.fields.iter();
        fields
            .filter(|field| field.name.eq_ignore_ascii_case(X_FORWARDED_FOR))
            .map(|field| text(field.value))
            .collect()
    }
}

/// A field as text, if it is what Actix takes for text.
fn text(value: &[u8]) -> Option<&str> {
    let is_visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let all_visible = value.iter().all(is_visible);
    all_visible.then(|| str::from_utf8(value).ok()).flatten()
}

/// The `Date` of this second.
#[derive(Default)]
struct Date {
    second: u64,
    line: String,
}

impl Date {
    fn write(&mut self, out: &mut Vec<u8>) {
        let now = SystemTime::now();
        let second = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        if second != self.second || self.line.is_empty() {
            self.second = second;
            let now = DateTime::<Utc>::from(now);
            self.line = now
                .format("date: %a, %d %b %Y %H:%M:%S GMT\r\n")
                .to_string();
        }
        out.extend_from_slice(self.line.as_bytes());
    }
}

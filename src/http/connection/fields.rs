//! The lines of one head, as far as they say where the request ends.

use actix_web::http::Uri;

use super::framing::Fault;

/// As many as Actix takes.
const MOST_FIELDS: usize = 96;

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Length(u64),
    Chunked,
    /// Whatever comes, to the end.
    Endless,
}

/// What the lines have said so far.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Of the request line, once that has come.
    version: Option<Version>,
    count: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    websocket: bool,
    method: Method,
}

/// Those on which it depends where a request ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Method {
    Connect,
    Post,
    #[default]
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

impl Fields {
    /// The next line, without its end. At the empty one, what follows the head.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Option<Body>, Fault> {
        if self.version.is_none() {
            // An empty line before a request is left over from the one before (RFC 9112, 2.2).
            return if line.is_empty() {
                Ok(None)
            } else {
                self.begin(line)
            };
        }
        if line.is_empty() {
            return self.end().map(Some);
        }
        self.count += 1;
        if self.count > MOST_FIELDS {
            return Err(Fault::HeadTooLarge);
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err(Fault::Head);
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        // A name that ends with a space, or a line that continues the one before, is read in two ways out there.
        if !is_name(name) || has_control_characters(value) {
            return Err(Fault::Head);
        }
        let value = value.trim_ascii();
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.coding(value),
            4 if name.eq_ignore_ascii_case(b"host") => {
                self.hosts += 1;
                Ok(())
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.websocket |= value.eq_ignore_ascii_case(b"websocket");
                Ok(())
            }
            _ => Ok(()),
        }?;
        Ok(None)
    }

    /// A method, a target and a version, with one space between. A fragment is no part of a target: the parser would cut it
    /// off, and see another target than a proxy did.
    fn begin(&mut self, line: &[u8]) -> Result<Option<Body>, Fault> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (Some(method), Some(target), Some(version)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(Fault::Head);
        };
        let version = match version {
            b"HTTP/1.1" => Version::Http11,
            b"HTTP/1.0" => Version::Http10,
            _ => return Err(Fault::Head),
        };
        if !is_name(method) || !is_target(target) {
            return Err(Fault::Head);
        }
        self.method = match method {
            b"CONNECT" => Method::Connect,
            b"POST" => Method::Post,
            _ => Method::Other,
        };
        let path = target[0] == b'/' || target == b"*";
        if !path && self.method != Method::Connect && memchr::memmem::find(target, b"://").is_none()
        {
            return Err(Fault::Head);
        }
        self.version = Some(version);
        Ok(None)
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Fault> {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let length = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok());
        if !digits || length.is_none() || self.length.is_some() {
            return Err(Fault::Head);
        }
        self.length = length;
        Ok(())
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Fault::Head);
        }
        self.chunked = true;
        Ok(())
    }

    /// In the order in which Actix looks.
    fn end(&self) -> Result<Body, Fault> {
        let old = self.version == Some(Version::Http10);
        if self.hosts > 1 || self.hosts == 0 && !old {
            return Err(Fault::Head);
        }
        if self.chunked && (self.length.is_some() || old) {
            return Err(Fault::Head);
        }
        if old && self.method == Method::Post && self.length.is_none() {
            return Err(Fault::Head);
        }
        Ok(match self.length {
            _ if self.chunked => Body::Chunked,
            _ if self.websocket => Body::Endless,
            Some(length) if length > 0 => Body::Length(length),
            _ if self.method == Method::Connect => Body::Endless,
            _ => Body::None,
        })
    }
}

/// A token (RFC 9110, 5.6.2).
pub(super) fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token(*byte))
}

fn is_token(byte: u8) -> bool {
    matches!(
        byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*'
            | b'+' | b'^' | b'`' | b'|' | b'~'
    )
}

/// Visible, without a fragment, and what the parser takes for one too; it is only asked about what is rare.
fn is_target(text: &[u8]) -> bool {
    let visible = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~?&=%+,:@".contains(byte);
    if text.first() == Some(&b'/') && text.iter().all(plain) {
        return true;
    }
    text.iter().all(visible) && Uri::try_from(text).is_ok()
}

/// But for tabs. Counted to the end, for which the compiler finds faster code than for a search.
pub(super) fn has_control_characters(value: &[u8]) -> bool {
    let counted = value
        .iter()
        .filter(|byte| byte.is_ascii_control() && **byte != b'\t');
    counted.count() > 0
}

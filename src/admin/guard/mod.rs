//! Who may use the guarded routes: one pure decision over what the request shows.
//!
//! With a token, every peer must show it. Without one, only a peer on the loopback interface is
//! let in, whatever address the listener is bound to. `Host` is checked against DNS rebinding (a
//! page of a stranger whose name resolves to this machine), `Origin` against a page of a stranger
//! that makes the operator's browser send a request. The one rule: forwarding headers count for
//! nothing here, the peer is who opened the connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{PoisonError, RwLock};
use subtle::ConstantTimeEq as _;

/// The rules of one listener.
#[derive(Debug)]
pub struct Guard {
    // It may come from a file that is read again on SIGHUP.
    token: RwLock<Option<SecretString>>,
    allowed_hosts: Vec<String>,
}

/// What a request shows of itself.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// Who opened the connection; `None` when the system could not say.
    pub peer: Option<IpAddr>,
    /// The one `Host` header; `None` when there is none, several, or bytes beyond ASCII.
    pub host: Option<&'a str>,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Origin` header, which browsers send with every changing request.
    pub origin: Option<&'a str>,
    /// Whether the method may change something (all but GET, HEAD and OPTIONS).
    pub changing: bool,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 421: `Host` is none of an IP address, `localhost` or `admin.allowed_hosts`.
    Host,
    /// 401: a token is set and the request does not show it.
    Token,
    /// 403: no token is set and the peer is not on the loopback interface.
    Peer,
    /// 403: a changing request from a page that this listener did not serve.
    Origin,
}

impl Refusal {
    /// The word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Token => "token",
            Self::Peer => "peer",
            Self::Origin => "origin",
        }
    }
}

impl Guard {
    /// `allowed_hosts` are names without port, compared without regard to case.
    pub fn new(token: Option<SecretString>, allowed_hosts: Vec<String>) -> Self {
        Self {
            token: RwLock::new(token),
            allowed_hosts,
        }
    }

    /// Puts another token in force, or none.
    pub fn replace_token(&self, token: Option<SecretString>) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Lets the visitor in or says why not.
    pub fn admit(&self, visitor: &Visitor<'_>) -> Result<(), Refusal> {
        if !visitor.host.is_some_and(|host| self.knows_host(host)) {
            return Err(Refusal::Host);
        }
        match &*self.token.read().unwrap_or_else(PoisonError::into_inner) {
            Some(token)
                if !visitor
                    .authorization
                    .is_some_and(|given| shows(given, token)) =>
            {
                return Err(Refusal::Token);
            }
            None if !visitor
                .peer
                .is_some_and(|peer| peer.to_canonical().is_loopback()) =>
            {
                return Err(Refusal::Peer);
            }
            _ => {}
        }
        let foreign = |origin| !visitor.host.is_some_and(|host| same_origin(origin, host));
        if visitor.changing && visitor.origin.is_some_and(foreign) {
            return Err(Refusal::Origin);
        }
        Ok(())
    }

    fn knows_host(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else {
            return false;
        };
        is_ip_literal(name)
            || name.eq_ignore_ascii_case("localhost")
            || self
                .allowed_hosts
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(name))
    }
}

/// Whether an `Authorization` header shows the token, as Bearer or as the password of Basic.
fn shows(authorization: &str, token: &SecretString) -> bool {
    let Some((scheme, given)) = authorization.split_once(' ') else {
        return false;
    };
    let given = given.trim_start_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") {
        return equal(given.as_bytes(), token);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return false;
    }
    let Ok(pair) = STANDARD.decode(given) else {
        return false;
    };
    let mut parts = pair.splitn(2, |&byte| byte == b':');
    parts.nth(1).is_some_and(|password| equal(password, token))
}

/// Compares in a time that tells neither where nor whether the lengths differ: both are hashed.
fn equal(given: &[u8], token: &SecretString) -> bool {
    let given = Sha256::digest(given);
    let expected = Sha256::digest(token.expose_secret().as_bytes());
    given.as_slice().ct_eq(expected.as_slice()).into()
}

/// The name or address in a `Host`; `None` when what follows is no port.
fn without_port(host: &str) -> Option<&str> {
    let end = if host.starts_with('[') {
        host.find(']')? + 1
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let (name, rest) = host.split_at(end);
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let sound =
        rest.is_empty() || (port.len() < rest.len() && port.bytes().all(|b| b.is_ascii_digit()));
    sound.then_some(name)
}

fn is_ip_literal(name: &str) -> bool {
    match name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

/// Whether a page from `origin` was served by this listener under `host`. Both schemes count: a
/// proxy may speak TLS in front. `null` (sandboxed frames, files) is foreign.
fn same_origin(origin: &str, host: &str) -> bool {
    let split = [("http://", ":80"), ("https://", ":443")]
        .into_iter()
        .find_map(|(scheme, port)| {
            origin
                .strip_prefix(scheme)
                .map(|authority| (authority, port))
        });
    split.is_some_and(|(authority, default_port)| {
        let bare = |text: &str| {
            text.strip_suffix(default_port)
                .unwrap_or(text)
                .to_ascii_lowercase()
        };
        bare(authority) == bare(host)
    })
}

#[cfg(test)]
mod tests;

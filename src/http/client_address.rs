//! Who is at the other end: the peer, or what trusted proxies say of it.
//!
//! `X-Forwarded-For` is believed only when the peer is in `server.trusted_proxies`, and then read from the right: the
//! first address that is not a trusted proxy's is the client. Anything to its left is the client's own writing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::dev::{RequestHead, ServiceRequest};
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use ipnet::IpNet;

/// Where a proxy says for whom it asks.
pub(super) const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks whose word is taken.
#[derive(Debug, Clone, Default)]
pub(super) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// From `server.trusted_proxies`.
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request from this peer with these headers.
    pub(super) fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        self.client_by(peer, || {
            let values = headers.get_all(X_FORWARDED_FOR);
            values.map(|value| value.to_str().ok()).collect()
        })
    }

    /// The same with its `X-Forwarded-For`s, as far as they are text; they are asked for only when they are believed.
    pub(super) fn client_by<'a>(
        &self,
        peer: Option<SocketAddr>,
        forwarded: impl FnOnce() -> Vec<Option<&'a str>>,
    ) -> IpAddr {
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.ip().to_canonical()
        });
        if self.0.is_empty() || !self.trusts(peer) {
            return peer;
        }
        let mut nearest = peer;
        for text in forwarded().into_iter().rev() {
            let Some(text) = text else {
                return nearest;
            };
            for part in text.rsplit(',') {
                // What cannot be read was not written by a proxy that deserves trust: stop at the last one known.
                let Some(address) = parse(part.trim()) else {
                    return nearest;
                };
                nearest = address;
                if !self.trusts(address) {
                    return nearest;
                }
            }
        }
        nearest
    }
}

/// An address, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

pub(super) fn of_service_request(proxies: &TrustedProxies, request: &ServiceRequest) -> IpAddr {
    let head: &RequestHead = request.head();
    proxies.client(head.peer_addr, head.headers())
}

/// The client's address, as rate limits and the access line use it.
pub fn client_address(request: &HttpRequest) -> IpAddr {
    let fallback = TrustedProxies::default();
    let proxies = request
        .app_data::<Data<TrustedProxies>>()
        .map_or(&fallback, |data| data.get_ref());
    proxies.client(request.peer_addr(), request.headers())
}

/// The client as limits by address count it: who holds one IPv6 address holds its /64, so that is one client.
pub fn client_network(request: &HttpRequest) -> IpAddr {
    network(client_address(request))
}

pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::new(
            trusted
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
        );
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        proxies
            .client(Some(peer.parse().unwrap()), &headers)
            .to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(client(&[], "203.0.113.9:1", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(
            client(&["10.0.0.0/8"], "203.0.113.9:1", &["1.2.3.4"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn the_first_untrusted_address_from_the_right_is_the_client() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        for (forwarded, expected) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["6.6.6.6, 198.51.100.7, 10.0.0.3"], "198.51.100.7"),
            (&["6.6.6.6", "198.51.100.7, 10.0.0.3"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::7]:4711, fd00::1"], "2001:db8::7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["nonsense, 10.0.0.3"], "10.0.0.3"),
            (&["198.51.100.7, nonsense"], "10.0.0.1"),
            (&["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            (&[""], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(
                client(&trusted, "10.0.0.1:1", forwarded),
                expected,
                "{forwarded:?}"
            );
        }
    }

    #[test]
    fn an_ipv6_client_is_its_whole_64() {
        for (address, counted) in [
            ("198.51.100.7", "198.51.100.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ] {
            assert_eq!(network(address.parse().unwrap()).to_string(), counted);
        }
    }
}

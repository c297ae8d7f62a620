//! How many connections there may be, in all and of one address. One too many is turned away at once: left waiting, it would
//! be a client that hangs, and to a load balancer an instance that is well.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::client_address::{TrustedProxies, network};
use super::super::metrics::{Closing, HttpMetrics, Presence, Present};
use super::refusal::Refusal;

/// All places; clones are the same ones.
#[derive(Debug, Clone)]
pub(in crate::http) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    /// 0 is no limit.
    most_of_one: usize,
    /// Their connections are of many clients.
    proxies: TrustedProxies,
    open: Presence,
    metrics: HttpMetrics,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place, for as long as it is there.
#[derive(Debug)]
pub(in crate::http) struct Place {
    shared: Arc<Shared>,
    address: IpAddr,
    /// It is counted among those of its address.
    numbered: bool,
    _present: Present,
}

impl Places {
    pub(in crate::http) fn new(
        most: usize,
        most_of_one: usize,
        proxies: TrustedProxies,
        open: Presence,
        metrics: HttpMetrics,
    ) -> Self {
        Self(Arc::new(Shared {
            most,
            most_of_one,
            proxies,
            open,
            metrics,
            addresses: Mutex::default(),
        }))
    }

    /// A place for a connection from there, if there is one.
    pub(in crate::http) fn take(&self, address: IpAddr) -> Result<Place, Refusal> {
        let shared = &self.0;
        let mut place = Place {
            shared: Arc::clone(shared),
            address: address.to_canonical(),
            numbered: false,
            _present: shared.open.enter(),
        };
        let most = i64::try_from(shared.most).unwrap_or(i64::MAX);
        if shared.open.count() > most {
            return Err(place.refused(Refusal::TooMany));
        }
        if shared.most_of_one == 0 || shared.proxies.trusts(place.address) {
            return Ok(place);
        }
        let mut addresses = shared.addresses();
        let count = addresses.entry(network(place.address)).or_default();
        if *count >= shared.most_of_one {
            drop(addresses);
            return Err(place.refused(Refusal::TooManyOfOneAddress));
        }
        *count += 1;
        drop(addresses);
        place.numbered = true;
        Ok(place)
    }
}

impl Shared {
    fn addresses(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn refused(&self, refusal: Refusal) -> Refusal {
        self.closing(refusal.reason());
        refusal
    }

    /// Counts its end, which is not its client's doing.
    pub(in crate::http) fn closing(&self, reason: Closing) {
        self.shared.metrics.connections_closed.with(reason).inc();
        tracing::debug!(client.address = %self.address, reason = reason.as_str(), "connection closed");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.numbered {
            return;
        }
        let mut addresses = self.shared.addresses();
        let address = network(self.address);
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}

#[cfg(test)]
pub(in crate::http) mod tests {
    use super::*;
    use crate::telemetry::metrics::Registry;

    pub(in crate::http) fn places(most: usize, most_of_one: usize, trusted: &[&str]) -> Places {
        let registry = Registry::new();
        let metrics = HttpMetrics::register(&registry).unwrap();
        let proxies = trusted.iter().map(|network| network.parse().unwrap());
        let proxies = TrustedProxies::new(proxies.collect());
        Places::new(most, most_of_one, proxies, Presence::default(), metrics)
    }

    fn take(places: &Places, address: &str) -> Result<Place, Refusal> {
        places.take(address.parse().unwrap())
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_is_gone() {
        let places = places(2, 0, &[]);
        let first = take(&places, "10.0.0.1").unwrap();
        let _second = take(&places, "10.0.0.1").unwrap();
        for _ in 0..3 {
            assert_eq!(take(&places, "10.0.0.2").unwrap_err(), Refusal::TooMany);
        }
        drop(first);
        assert!(take(&places, "10.0.0.2").is_ok());
    }

    #[test]
    fn an_address_has_its_own_limit_unless_a_proxy_is_at_it() {
        let places = places(100, 1, &["10.0.0.0/8"]);
        let one = take(&places, "198.51.100.7").unwrap();
        let refused = Refusal::TooManyOfOneAddress;
        assert_eq!(take(&places, "198.51.100.7").unwrap_err(), refused);
        assert_eq!(take(&places, "::ffff:198.51.100.7").unwrap_err(), refused);
        let other = take(&places, "198.51.100.8").unwrap();
        let _of_a_network = take(&places, "2001:db8::1").unwrap();
        assert_eq!(take(&places, "2001:db8::2").unwrap_err(), refused);
        let _proxy = [
            take(&places, "10.0.0.1").unwrap(),
            take(&places, "10.0.0.1").unwrap(),
        ];
        drop(one);
        assert!(take(&places, "198.51.100.7").is_ok());
        drop(other);
        assert_eq!(places.0.addresses().len(), 1);
    }
}

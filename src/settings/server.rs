//! Settings of the public listener and of its TLS. They describe limits and times; the `http` room enforces them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::format::{
    Address, Count, HOUR, MILLISECOND, Networks, OptionalPath, Origins, Period, Port, Size,
};
use super::section::section;

section! {
    /// The public listener.
    pub struct ServerSettings {
        /// Address to listen on. `0.0.0.0` or `::` listens on every interface.
        pub host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST) => Address;
        /// Port to listen on; 0 takes any free port. `PORT` sets it too.
        pub port: u16 = 8080 => Port;
        /// Threads that serve requests; 0 means one for each core.
        pub workers: usize = 0 => Count(0..=1024);
        /// Longest time from a request's head to the start of its answer; then 503.
        pub request_timeout: Duration = Duration::from_secs(30) => Period(MILLISECOND..=HOUR);
        /// Longest time for a request's head to arrive, and for the TLS handshake before the first; then 408, and the
        /// connection is closed. It holds for each head; between requests `server.keep_alive` does.
        pub header_timeout: Duration = Duration::from_secs(5) => Period(MILLISECOND..=HOUR);
        /// Longest time for a request's body to arrive; then 408, and the connection is closed. It holds also for a body
        /// that nobody reads, because its request was answered before.
        pub body_timeout: Duration = Duration::from_secs(10) => Period(MILLISECOND..=HOUR);
        /// Fewest bytes a second, on average, at which a body has to arrive once half of `server.body_timeout` is over, or
        /// it is taken for one that will not come; 0 asks for none.
        pub body_min_rate: usize = 240 => Size(0..=1024 * 1024 * 1024);
        /// Longest time in which a client may take nothing of an answer that is being sent; then the connection is closed.
        pub write_timeout: Duration = Duration::from_secs(10) => Period(MILLISECOND..=HOUR);
        /// How long an idle connection is kept open for the next request. Keep it above the idle timeout of the load
        /// balancer in front (60s is common), so that the balancer closes first and no request is lost.
        pub keep_alive: Duration = Duration::from_secs(75) => Period(MILLISECOND..=HOUR);
        /// Largest request body accepted; a larger one is answered 413.
        pub body_limit: usize = 64 * 1024 => Size(1..=1024 * 1024 * 1024);
        /// Most connections open at once, over all workers; one more is answered 503 and closed (over TLS: closed). Each
        /// takes a file descriptor, so with too low a `ulimit -n` there are fewer, and the log says at the start how many.
        pub max_connections: usize = 10_000 => Count(1..=1_000_000);
        /// Most connections open at once from one address (one /64 of IPv6); one more is turned away as above. 0 is no
        /// limit. The peers in `server.trusted_proxies` have none, because theirs are the connections of many clients:
        /// behind a proxy that is not listed there, leave this at 0 and have the proxy limit them.
        pub max_connections_per_address: usize = 0 => Count(0..=1_000_000);
        /// Most requests in work at once, over all workers. The limit that holds is lower while requests have to wait: it
        /// adapts between `min_in_flight` and this. A request over the limit waits for a tenth of a second at most, if there
        /// is room to wait, and else is answered 503 with `Retry-After`, log-ins first, then writes, then reads, and never a
        /// probe. One whose body is waited for is not in work.
        pub max_in_flight: usize = 1_024 => Count(1..=1_000_000);
        /// The lowest that the limit on requests in work adapts to. Not below what the service can do at once, which is
        /// about `database.max_connections`. Eight times this is what it begins with. From `max_in_flight` on, that one is
        /// a fixed limit.
        pub min_in_flight: usize = 16 => Count(1..=1_000_000);
        /// Networks whose `X-Forwarded-For` header is believed, as CIDRs. Empty believes nobody: the
        /// client is the peer of the connection.
        pub trusted_proxies: Vec<IpNet> = Vec::new() => Networks;
        /// Origins that browsers may call from, compared exactly. Empty turns CORS off.
        pub cors_origins: Vec<String> = Vec::new() => Origins;
        /// TLS on the public listener; off while both are empty. TLS on a proxy in front is the usual way.
        pub tls: TlsSettings;
    }
}

section! {
    /// Certificate and key of the public listener; both or neither.
    pub struct TlsSettings {
        /// PEM file with the certificate chain, leaf first.
        pub cert: Option<PathBuf> = None => OptionalPath;
        /// PEM file with the private key of `server.tls.cert`.
        pub key: Option<PathBuf> = None => OptionalPath;
    }
}

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
        /// Longest time for a request's head to arrive. In this version it holds for the first request on a connection; a
        /// later head that stalls keeps its connection.
        pub header_timeout: Duration = Duration::from_secs(5) => Period(MILLISECOND..=HOUR);
        /// Longest time for a request's body to arrive; then the connection is closed.
        pub body_timeout: Duration = Duration::from_secs(10) => Period(MILLISECOND..=HOUR);
        /// How long an idle connection is kept open for the next request. Keep it above the idle timeout of the load
        /// balancer in front (60s is common), so that the balancer closes first and no request is lost.
        pub keep_alive: Duration = Duration::from_secs(75) => Period(MILLISECOND..=HOUR);
        /// Largest request body accepted; a larger one is answered 413.
        pub body_limit: usize = 64 * 1024 => Size(1..=1024 * 1024 * 1024);
        /// Most connections open at once, over all workers; more wait in the listen queue of the kernel. Each takes a
        /// file descriptor: keep `ulimit -n` above it.
        pub max_connections: usize = 10_000 => Count(1..=1_000_000);
        /// Most requests in work at once, over all workers; more are answered 503 with `Retry-After` at once, because
        /// a queue that grows helps nobody. Probes are never refused.
        pub max_in_flight: usize = 1_024 => Count(1..=1_000_000);
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

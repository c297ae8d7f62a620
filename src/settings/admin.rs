//! Settings of the admin listener: where it is and who may use its guarded routes.

use std::net::{IpAddr, Ipv4Addr};

use secrecy::SecretString;

use super::format::{Address, Hosts, Port, Token};
use super::section::section;

section! {
    /// The admin listener.
    pub struct AdminSettings {
        /// Address to listen on. Metrics and probes answer whoever reaches it; the rest is guarded.
        pub host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST) => Address;
        /// Port to listen on; 0 takes any free port.
        pub port: u16 = 9464 => Port;
        /// What guarded routes ask for, as `Authorization: Bearer` or as the password of HTTP Basic. Without it they
        /// let in loopback peers only.
        pub token: Option<SecretString> = None => Token;
        /// Names accepted in `Host` on guarded routes beside IP addresses and `localhost`, against DNS rebinding.
        /// Without port.
        pub allowed_hosts: Vec<String> = Vec::new() => Hosts;
    }
}

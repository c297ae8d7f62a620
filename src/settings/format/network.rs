//! Formats of what names machines: addresses, networks, hosts and origins. URLs are in `url`.

use std::net::IpAddr;

use figment::value::Value;
use ipnet::IpNet;

use super::{Format, Wrong, list, quoted, text};
use crate::settings::locator::Locator;
use crate::settings::shown::Shown;

/// An IP address to listen on.
pub(in crate::settings) struct Address;

/// Networks in CIDR form; a bare address is a network of one.
pub(in crate::settings) struct Networks;

/// Origins as browsers send them.
pub(in crate::settings) struct Origins;

/// Host names without port.
pub(in crate::settings) struct Hosts;

impl Format<IpAddr> for Address {
    fn right(&self) -> String {
        "an IP address such as 127.0.0.1, 0.0.0.0 or ::1".into()
    }

    fn read(&self, value: &Value) -> Result<IpAddr, Wrong> {
        let text = text(value)?;
        text.parse()
            .map_err(|_| Wrong::new(format!("{} is not an IP address", quoted(text))))
    }

    fn show(&self, value: &IpAddr) -> Shown {
        Shown::Text(value.to_string())
    }
}

impl Format<Vec<IpNet>> for Networks {
    fn right(&self) -> String {
        "networks such as 10.0.0.0/8 or fd00::/8, with commas between them".into()
    }

    fn read(&self, value: &Value) -> Result<Vec<IpNet>, Wrong> {
        let network = |text: &str| {
            let parsed = text
                .parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            parsed
                .map(|net| net.trunc())
                .map_err(|_| Wrong::new(format!("{} is not a network", quoted(text))))
        };
        list(value)?.into_iter().map(network).collect()
    }

    fn show(&self, value: &Vec<IpNet>) -> Shown {
        Shown::List(value.iter().map(ToString::to_string).collect())
    }
}

impl Format<Vec<String>> for Origins {
    fn right(&self) -> String {
        "origins such as https://shop.example or http://localhost:3000, with commas between them"
            .into()
    }

    fn read(&self, value: &Value) -> Result<Vec<String>, Wrong> {
        list(value)?
            .into_iter()
            .map(|text| origin(text).map(str::to_owned))
            .collect()
    }

    fn show(&self, value: &Vec<String>) -> Shown {
        Shown::List(value.clone())
    }
}

/// Origins are compared as strings, so one that no browser would ever send is refused here.
fn origin(text: &str) -> Result<&str, Wrong> {
    let wrong = |why: &str| Err(Wrong::new(format!("{} {why}", quoted(text))));
    let Ok(locator) = Locator::parse(text) else {
        return wrong("is not `scheme://host` or `scheme://host:port`");
    };
    if !["http", "https"].contains(&locator.scheme) {
        return wrong("is neither http:// nor https://, in small letters");
    }
    if locator.user.is_some() || locator.path.is_some() || locator.query.is_some() {
        return wrong("has more than scheme, host and port; not even a `/` may follow");
    }
    if locator.hosts.is_empty() || locator.hosts.contains([',', '%', '_']) {
        return wrong("does not name one host");
    }
    if locator.hosts.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return wrong("has capital letters, which browsers never send");
    }
    let usual = if locator.scheme == "https" {
        ":443"
    } else {
        ":80"
    };
    if locator.hosts.ends_with(usual) {
        return wrong("has its scheme's own port, which browsers leave out");
    }
    Ok(text)
}

impl Format<Vec<String>> for Hosts {
    fn right(&self) -> String {
        "host names such as admin.example, without port, with commas between them".into()
    }

    fn read(&self, value: &Value) -> Result<Vec<String>, Wrong> {
        let host = |text: &str| {
            let plain = text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if plain {
                Ok(text.to_ascii_lowercase())
            } else {
                Err(Wrong::new(format!("{} is not a host name", quoted(text))))
            }
        };
        list(value)?.into_iter().map(host).collect()
    }

    fn show(&self, value: &Vec<String>) -> Shown {
        Shown::List(value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_ip() {
        assert!(Address.read(&Value::from("::")).is_ok());
        assert!(Address.read(&Value::from("localhost")).is_err());
        let networks = Networks
            .read(&Value::from("10.1.2.3/8, ::1, 192.168.0.1"))
            .unwrap();
        let shown: Vec<String> = ["10.0.0.0/8", "::1/128", "192.168.0.1/32"]
            .map(str::to_owned)
            .into();
        assert_eq!(Networks.show(&networks), Shown::List(shown));
        assert_eq!(Networks.read(&Value::from("")), Ok(Vec::new()));
        for bad in ["10.0.0.0/33", "proxy", "10.0.0"] {
            assert!(Networks.read(&Value::from(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in [
            "https://shop.example",
            "http://localhost:3000",
            "http://[::1]:8080",
            "https://xn--bcher-kva.example:8443",
        ] {
            assert_eq!(Origins.read(&Value::from(good)), Ok(vec![good.to_owned()]));
        }
        let bad = [
            "*",
            "null",
            "shop.example",
            "https://shop.example/",
            "https://shop.example/a",
            "https://Shop.example",
            "https://",
            "HTTPS://shop.example",
            "ftp://shop.example",
            "https://*.example",
            "https://u@shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example?a",
            "https://shop.example:99999",
        ];
        for bad in bad {
            assert!(
                Origins
                    .read(&Value::from(vec!["https://good.example", bad]))
                    .is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn hosts_have_no_port_and_small_letters() {
        assert_eq!(
            Hosts.read(&Value::from("Admin.Example,ops")),
            Ok(vec!["admin.example".into(), "ops".into()])
        );
        for bad in ["admin:9464", "https://admin", "*.example", "a b"] {
            assert!(Hosts.read(&Value::from(bad)).is_err(), "{bad}");
        }
    }
}

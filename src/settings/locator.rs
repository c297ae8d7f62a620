//! `scheme://user:password@host:port/path?query`, taken apart strictly enough that a password can be masked for sure.
//!
//! Lenient parsers disagree on where a password with a raw `@`, `/` or `?` ends, and then a part of it shows up as the
//! host. Here such an address is refused, and no error repeats any of it.

/// The parts of an address. Nothing is percent-decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Locator<'a> {
    pub(super) scheme: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    /// `host:port`, or several with commas, as libpq takes them; may be empty.
    pub(super) hosts: &'a str,
    /// What follows the first `/`; `None` without one.
    pub(super) path: Option<&'a str>,
    /// What follows the first `?`.
    pub(super) query: Option<&'a str>,
}

/// Why an address was refused; never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocatorError {
    /// No scheme.
    #[error("it is not of the form `scheme://host`")]
    Scheme,
    /// White space or a control character.
    #[error("it holds a blank or a control character")]
    Blank,
    /// A delimiter where it ends the password for some parsers and not for others.
    #[error("an `@`, `/`, `?`, `#` or `:` in user or password is not percent-encoded")]
    Unencoded,
    /// A host that is none.
    #[error("its host is not a host name or an IP address")]
    Host,
    /// A port that is none.
    #[error("its port is not a number from 1 to 65535")]
    Port,
}

impl<'a> Locator<'a> {
    /// Takes an address apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, LocatorError> {
        let (scheme, rest) = text.split_once("://").ok_or(LocatorError::Scheme)?;
        if scheme.is_empty()
            || !scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
        {
            return Err(LocatorError::Scheme);
        }
        if rest
            .chars()
            .any(|character| character.is_whitespace() || character.is_control())
        {
            return Err(LocatorError::Blank);
        }
        let (rest, query) = cut(rest, '?');
        let (authority, path) = cut(rest, '/');
        let (user, password, hosts) = match authority.split_once('@') {
            Some((who, hosts)) => {
                let (user, password) = cut(who, ':');
                (Some(user), password, hosts)
            }
            None => (None, None, authority),
        };
        let secret = password.unwrap_or_default();
        let outside = [hosts, path.unwrap_or_default(), query.unwrap_or_default()];
        if secret.contains(':')
            || text.contains('#')
            || outside.iter().any(|part| part.contains('@'))
        {
            return Err(LocatorError::Unencoded);
        }
        hosts.split(',').try_for_each(check_host)?;
        Ok(Self {
            scheme,
            user,
            password,
            hosts,
            path,
            query,
        })
    }

    /// Scheme, user, hosts and path; a password as `***`, the query not at all.
    pub(super) fn masked(&self) -> String {
        let who = match (self.user, self.password) {
            (Some(user), Some(_)) => format!("{user}:***@"),
            (Some(user), None) => format!("{user}@"),
            (None, _) => String::new(),
        };
        let path = self
            .path
            .map_or_else(String::new, |path| format!("/{path}"));
        format!("{}://{who}{}{path}", self.scheme, self.hosts)
    }

    /// The value of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self
            .query?
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        // libpq lets the last one win.
        pairs.rfind(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Splits at the first `at`.
fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

fn check_host(host: &str) -> Result<(), LocatorError> {
    let (name, port) = if let Some(rest) = host.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(LocatorError::Host)?;
        address
            .parse::<std::net::Ipv6Addr>()
            .map_err(|_| LocatorError::Host)?;
        match port.strip_prefix(':') {
            Some(port) => ("", Some(port)),
            None if port.is_empty() => ("", None),
            None => return Err(LocatorError::Host),
        }
    } else {
        cut(host, ':')
    };
    // `%` for the percent-encoded path of a Unix socket, which libpq takes for a host.
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._%".contains(&byte))
    {
        return Err(LocatorError::Host);
    }
    match port.map(str::parse::<u16>) {
        None | Some(Ok(1..)) => Ok(()),
        Some(_) => Err(LocatorError::Port),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_comes_apart_and_is_masked() {
        let masked = [
            (
                "postgres://u:p@h:5432/d?sslmode=require",
                "postgres://u:***@h:5432/d",
            ),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://h", "postgres://h"),
            ("postgres:///d?host=/run&password=p", "postgres:///d"),
            (
                "postgres://u:@[::1]:1,h2:2/d",
                "postgres://u:***@[::1]:1,h2:2/d",
            ),
            (
                "postgres://u:p%40%2F@%2Frun%2Fpg/d",
                "postgres://u:***@%2Frun%2Fpg/d",
            ),
        ];
        for (text, expected) in masked {
            assert_eq!(
                Locator::parse(text).map(|locator| locator.masked()),
                Ok(expected.to_owned())
            );
        }
        let locator = Locator::parse("a://h?x=1&sslmode=a&sslmode=b")
            .ok()
            .unwrap();
        assert_eq!(
            (locator.parameter("sslmode"), locator.parameter("y")),
            (Some("b"), None)
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        use LocatorError::{Blank, Host, Port, Scheme, Unencoded};
        let refused = [
            ("h", Scheme),
            ("://h", Scheme),
            ("a b://h", Scheme),
            ("a://h h", Blank),
            ("a://h\u{7}", Blank),
            ("a://u:p@q@h", Unencoded),
            ("a://u:p/q@h", Unencoded),
            ("a://u:p?q@h", Unencoded),
            ("a://u:p:q@h", Unencoded),
            ("a://u:p#q@h", Unencoded),
            ("a://u:5/q@h", Unencoded),
            ("a://u:p", Port),
            ("a://h:0", Port),
            ("a://h:65536", Port),
            ("a://h:", Port),
            ("a://[::1", Host),
            ("a://[h]", Host),
            ("a://[::1]x", Host),
            ("a://h!", Host),
            ("a://h\\x", Host),
        ];
        for (text, expected) in refused {
            assert_eq!(Locator::parse(text).err(), Some(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_password_it_never_shows(password in "[ -~]{12,24}", tail in "(/shop)?(\\?a=b)?") {
            let text = format!("postgres://u:{password}@host:5432{tail}");
            if let Ok(locator) = Locator::parse(&text) {
                let masked = locator.masked();
                prop_assert!(!password.as_bytes().windows(6).any(|part| masked.contains(&String::from_utf8_lossy(part).into_owned())));
            }
        }
    }
}

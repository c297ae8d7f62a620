//! Where the database is. The scheme alone decides which one it is: trying one after the other once made an SQLite file
//! named like a PostgreSQL address. Nothing is opened here, and no error repeats the text.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::locator::{Locator, LocatorError};

/// Where the database is. `Debug` and `Display` show [`DatabaseUrl::masked`].
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A file, made when missing. Relative to the working directory unless absolute.
    Sqlite(PathBuf),
    /// The whole address as libpq takes it, password and parameters included.
    Postgres(SecretString),
}

/// Why a text is not the address of a database. Never repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Neither SQLite nor PostgreSQL.
    #[error("it does not begin with `sqlite://`, `postgres://` or `postgresql://`")]
    Scheme,
    /// An SQLite database in memory.
    #[error(
        "a database in memory cannot be shared: each connection of the pool would have its own, empty"
    )]
    InMemory,
    /// `sqlite://` without a file.
    #[error("it names no file")]
    NoFile,
    /// `sqlite://file?mode=rwc` and the like.
    #[error(
        "SQLite's own URIs (`file:`, parameters after `?`) are not taken: the service sets what it needs"
    )]
    SqliteParameters,
    /// An address that could be read in two ways, or in none.
    #[error(transparent)]
    Address(#[from] LocatorError),
    /// A path of more than one part.
    #[error("a `/` in the name of the database is not percent-encoded")]
    DatabaseName,
    /// `%zz`, or `%00`.
    #[error(
        "a `%` in it is not followed by two hexadecimal digits that stand for a character; write `%25` for a `%` itself"
    )]
    Escape,
    /// An unknown `sslmode`.
    #[error("its sslmode is none of disable, allow, prefer, require, verify-ca, verify-full")]
    SslMode,
}

/// How far an address asks for TLS, in the order of PostgreSQL's documentation; the last three require it.
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

impl DatabaseUrl {
    /// Reads an address; nothing is opened.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return parse_sqlite(path);
        }
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(DatabaseUrlError::Scheme);
        }
        if !escapes_are_whole(text) {
            return Err(DatabaseUrlError::Escape);
        }
        let locator = Locator::parse(text)?;
        if locator.path.is_some_and(|database| database.contains('/')) {
            return Err(DatabaseUrlError::DatabaseName);
        }
        if locator
            .parameter("sslmode")
            .is_some_and(|mode| !SSL_MODES.contains(&mode))
        {
            return Err(DatabaseUrlError::SslMode);
        }
        Ok(Self::Postgres(SecretString::from(text)))
    }

    /// `sqlite` or `postgres`, as metrics and logs name it.
    pub const fn backend(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Scheme, user, host, port and database; never the password nor the parameters.
    pub fn masked(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => {
                let locator = Locator::parse(url.expose_secret());
                locator.map_or_else(|_| "postgres://***".to_owned(), |locator| locator.masked())
            }
        }
    }

    /// Whether the address insists on TLS (`sslmode=require`, `verify-ca` or `verify-full`).
    pub fn requires_tls(&self) -> bool {
        let Self::Postgres(url) = self else {
            return false;
        };
        let mode = Locator::parse(url.expose_secret())
            .ok()
            .and_then(|locator| locator.parameter("sslmode"));
        mode.is_some_and(|mode| SSL_MODES[3..].contains(&mode))
    }
}

fn parse_sqlite(rest: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    if rest.contains(":memory:") || rest.contains("mode=memory") {
        return Err(DatabaseUrlError::InMemory);
    }
    let file = rest.strip_prefix("//").ok_or(DatabaseUrlError::Scheme)?;
    // SQLite would read the rest as a URI of its own.
    if file.contains('?') || file.starts_with("file:") {
        return Err(DatabaseUrlError::SqliteParameters);
    }
    if file.ends_with('/') || Path::new(file).file_name().is_none() {
        return Err(DatabaseUrlError::NoFile);
    }
    Ok(DatabaseUrl::Sqlite(PathBuf::from(file)))
}

/// Whether each `%` begins the escape of a character that libpq takes.
fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit) && digits != b"00")
    })
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.masked())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({self})")
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_alone_decides() {
        let sqlite = [
            ("sqlite://a.db", "a.db"),
            ("sqlite:///var/lib/a.db", "/var/lib/a.db"),
            ("sqlite://d/a.db", "d/a.db"),
        ];
        for (text, file) in sqlite {
            let url = DatabaseUrl::parse(text).unwrap();
            assert!(
                matches!(&url, DatabaseUrl::Sqlite(path) if path == Path::new(file)),
                "{text}"
            );
            assert_eq!((url.masked().as_str(), url.backend()), (text, "sqlite"));
        }
        for text in [
            "postgres://u:p@h:5432/d?sslmode=prefer",
            "postgresql:///d?host=/run/pg",
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert!(
                matches!(&url, DatabaseUrl::Postgres(url) if url.expose_secret() == text),
                "{text}"
            );
            assert_eq!(url.backend(), "postgres");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        use DatabaseUrlError::{
            Address, DatabaseName, InMemory, NoFile, Scheme, SqliteParameters, SslMode,
        };
        let refused = [
            ("", Scheme),
            ("glasshouse.db", Scheme),
            ("mysql://h/d", Scheme),
            ("Postgres://h/d", Scheme),
            ("sqlite:a.db", Scheme),
            ("sqlite::memory:", InMemory),
            ("sqlite://:memory:", InMemory),
            ("sqlite://file::memory:?cache=shared", InMemory),
            ("sqlite://a.db?mode=memory", InMemory),
            ("sqlite://a.db?mode=rwc", SqliteParameters),
            ("sqlite://file:a.db", SqliteParameters),
            ("sqlite://", NoFile),
            ("sqlite:///data/", NoFile),
            ("sqlite:///", NoFile),
            ("sqlite://..", NoFile),
            ("postgres://h/a/b", DatabaseName),
            ("postgres://u:p@q@h/d", Address(LocatorError::Unencoded)),
            ("postgres://h:x/d", Address(LocatorError::Port)),
            ("postgres://h/d?sslmode=on", SslMode),
        ];
        for (text, expected) in refused {
            assert_eq!(DatabaseUrl::parse(text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn only_the_last_three_modes_insist_on_tls() {
        let requires = |mode: &str| {
            DatabaseUrl::parse(&format!("postgres://h/d?sslmode={mode}"))
                .unwrap()
                .requires_tls()
        };
        assert_eq!(
            SSL_MODES.map(requires),
            [false, false, false, true, true, true]
        );
        assert!(!DatabaseUrl::parse("postgres://h/d").unwrap().requires_tls());
        assert!(
            !DatabaseUrl::parse("sqlite://sslmode=require")
                .unwrap()
                .requires_tls()
        );
    }

    #[test]
    fn a_password_shows_in_no_way_of_printing() {
        let url =
            DatabaseUrl::parse("postgres://shop:canary@db:5432/orders?password=canary").unwrap();
        assert_eq!(url.to_string(), "postgres://shop:***@db:5432/orders");
        assert_eq!(
            format!("{url:?}"),
            "DatabaseUrl(postgres://shop:***@db:5432/orders)"
        );
        // Made by hand, unchecked: nothing of it shows.
        let url = DatabaseUrl::Postgres(SecretString::from("postgres://u:can@ary@h"));
        assert_eq!(url.masked(), "postgres://***");
    }
}

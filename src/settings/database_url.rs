//! Where the database is. The scheme alone decides which one it is: trying one after the other once made an SQLite file
//! named like a PostgreSQL address.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// Where the database is.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A file, made when missing. Relative to the working directory unless absolute.
    Sqlite(PathBuf),
    /// The whole address as libpq takes it, password and parameters included.
    Postgres(SecretString),
}

/// Why a text is not the address of a database. Never repeats the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Neither SQLite nor PostgreSQL.
    #[error("it does not begin with `sqlite://`, `postgres://` or `postgresql://`")]
    Scheme,
}

impl DatabaseUrl {
    /// Reads an address; nothing is opened.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(SecretString::from(text)));
        }
        Err(DatabaseUrlError::Scheme)
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
                let _ = url.expose_secret();
                "postgres://***".to_owned()
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.masked())
    }
}

//! What can go wrong in this room, sorted by what a caller can do about it.
//!
//! Diesel keeps the SQLSTATE to itself and shows only a kind for some of them. The rest is told by the server's
//! message, which is English because the connector asks for it (see `connect.rs`); SQLite's messages are fixed by its
//! result code and never translated.

use std::fmt;

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};

use crate::label_set;

label_set! {
    /// The classes of database failures; the label `kind` of `db_errors_total`.
    pub enum ErrorKind("kind") {
        /// No connection became free within `database.wait_timeout`.
        PoolWait = "pool_wait",
        /// Opening a connection took longer than `database.create_timeout`.
        PoolCreate = "pool_create",
        /// The operation as a whole passed `database.deadline`.
        Deadline = "deadline",
        /// The database cancelled a statement at `database.statement_timeout`, or a lock was not to be had in time.
        StatementTimeout = "statement_timeout",
        /// The database cannot be reached, or ended the connection (SQLSTATE 08xxx, 57P01 to 57P05, 53300).
        Unavailable = "unavailable",
        /// SQLite is locked by somebody else (SQLITE_BUSY, SQLITE_LOCKED).
        Busy = "busy",
        /// A deadlock or a serialization failure: rolled back, and worth another try (SQLSTATE 40001, 40P01).
        Conflict = "conflict",
        /// The database takes no writes now (SQLSTATE 25006, SQLITE_READONLY).
        ReadOnly = "read_only",
        /// The disk or a quota is full (SQLSTATE 53100, SQLITE_FULL, SQLITE_IOERR on write).
        Full = "full",
        /// A unique constraint refused the row: something of the name exists (SQLSTATE 23505).
        Unique = "unique_violation",
        /// A check, a foreign key or a not-null constraint refused the row.
        Constraint = "constraint_violation",
        /// The row that was asked for does not exist.
        NotFound = "not_found",
        /// The database refuses this user, this name or this way of connecting: no other try will change that
        /// (SQLSTATE 28xxx, 3D000; SQLITE_CANTOPEN).
        Refused = "refused",
        /// A table or a column is missing: the schema is not the one that this version needs (SQLSTATE 42P01, 42703).
        Schema = "schema",
        /// The database file is damaged or is none (SQLITE_CORRUPT, SQLITE_NOTADB).
        Corrupt = "corrupt",
        /// Anything else: a fault of this program.
        Bug = "bug",
    }
}

/// A failure of the database, with its cause.
#[derive(Debug)]
pub struct DatabaseError {
    kind: ErrorKind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl DatabaseError {
    pub(super) fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(super) fn caused_by(
        kind: ErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    pub(super) fn deadline() -> Self {
        Self::new(ErrorKind::Deadline)
    }

    /// Another writer got in between: the whole write operation is run again, three times at most.
    /// For stores that notice a lost race themselves.
    pub fn conflict() -> Self {
        Self::new(ErrorKind::Conflict)
    }

    /// The same with what it is about put before its cause.
    pub(super) fn about(self, what: &str) -> Self {
        let cause = self
            .source
            .map_or_else(|| what.to_owned(), |cause| format!("{what}: {cause}"));
        Self::caused_by(self.kind, cause)
    }

    /// A row that this program cannot read, such as an unknown status.
    pub fn unreadable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::caused_by(ErrorKind::Bug, what)
    }

    /// The class.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A unique constraint refused the row. Told by kind, not by name: SQLite gives no constraint's name.
    pub fn is_unique_violation(&self) -> bool {
        self.kind == ErrorKind::Unique
    }

    /// The row that was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// The database works and said no: what was asked for is not there, or must not be.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unique | ErrorKind::Constraint | ErrorKind::NotFound
        )
    }

    /// The fault is the database's, not this program's or its caller's: 503, try again later.
    pub fn is_outage(&self) -> bool {
        !self.is_refusal() && self.kind != ErrorKind::Bug
    }

    /// It is no use to wait for it to pass.
    pub(super) fn is_permanent(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Refused | ErrorKind::Corrupt | ErrorKind::ReadOnly
        )
    }

    /// The connection on which this happened is of no use any more.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unavailable | ErrorKind::ReadOnly | ErrorKind::Corrupt
        )
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::PoolWait => "no database connection became free in time",
            ErrorKind::PoolCreate => "opening a database connection took too long",
            ErrorKind::Deadline => "the database operation passed its deadline",
            ErrorKind::StatementTimeout => "the database cancelled a statement that took too long",
            ErrorKind::Unavailable => "the database cannot be reached",
            ErrorKind::Busy => "the database is locked by another process",
            ErrorKind::Conflict => "concurrent transactions got in each other's way",
            ErrorKind::ReadOnly => "the database takes no writes",
            ErrorKind::Full => "the database has no space left",
            ErrorKind::Unique => "a unique constraint was violated",
            ErrorKind::Constraint => "a constraint was violated",
            ErrorKind::NotFound => "the row does not exist",
            ErrorKind::Refused => "the database refused the connection",
            ErrorKind::Schema => "the database lacks a table or a column",
            ErrorKind::Corrupt => "the database is damaged",
            ErrorKind::Bug => "the database refused what it was sent",
        })
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<DieselError> for DatabaseError {
    fn from(error: DieselError) -> Self {
        let kind = match &error {
            DieselError::NotFound => ErrorKind::NotFound,
            DieselError::BrokenTransactionManager => ErrorKind::Unavailable,
            DieselError::DatabaseError(kind, information) => classify(*kind, information.message()),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => {
                match commit_error.as_ref() {
                    DieselError::DatabaseError(kind, information) => {
                        classify(*kind, information.message())
                    }
                    _ => ErrorKind::Unavailable,
                }
            }
            _ => ErrorKind::Bug,
        };
        Self::caused_by(kind, error)
    }
}

impl From<ConnectionError> for DatabaseError {
    fn from(error: ConnectionError) -> Self {
        // There was a connection, which broke while it was set up: the address is in order.
        if let ConnectionError::CouldntSetupConfiguration(error) = error {
            return match Self::from(error) {
                unclear if unclear.kind() == ErrorKind::Bug => {
                    Self::caused_by(ErrorKind::Unavailable, unclear)
                }
                told => told,
            };
        }
        let text = error.to_string();
        // What libpq cannot read of an address it quotes, and that may be the password. Only what the server or the network
        // said is passed on, on one line.
        if !CONNECTING.iter().any(|part| text.contains(part)) {
            return Self::caused_by(
                ErrorKind::Refused,
                "the address has a form or a parameter that libpq does not take",
            );
        }
        let kind = match classify_message(&text) {
            ErrorKind::Bug => ErrorKind::Unavailable,
            kind => kind,
        };
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::caused_by(kind, line)
    }
}

/// What stands in a message about connecting, as opposed to one about the address itself.
const CONNECTING: &[&str] = &[
    "connection to server",
    "could not translate host name",
    "could not connect",
    "server closed the connection",
    "FATAL:",
    "unable to open",
    "database is locked",
    "timeout expired",
    "out of memory",
];

fn classify(kind: DatabaseErrorKind, message: &str) -> ErrorKind {
    match kind {
        DatabaseErrorKind::UniqueViolation => ErrorKind::Unique,
        DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation => ErrorKind::Constraint,
        DatabaseErrorKind::SerializationFailure => ErrorKind::Conflict,
        DatabaseErrorKind::ReadOnlyTransaction => ErrorKind::ReadOnly,
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            ErrorKind::Unavailable
        }
        _ => classify_message(message),
    }
}

/// Parts of messages, each with the SQLSTATE or SQLite code that sends it. The order matters where one holds another.
const MESSAGES: &[(&str, ErrorKind)] = &[
    // 28P01, 28000, 3D000, and TLS that one side insists on
    ("password authentication failed", ErrorKind::Refused),
    ("no password supplied", ErrorKind::Refused),
    ("no pg_hba.conf entry", ErrorKind::Refused),
    ("role \"", ErrorKind::Refused),
    ("database \"", ErrorKind::Refused),
    ("server does not support SSL", ErrorKind::Refused),
    // 42P01, 42703
    ("relation \"", ErrorKind::Schema),
    ("column \"", ErrorKind::Schema),
    ("no such table", ErrorKind::Schema),
    ("no such column", ErrorKind::Schema),
    // 40P01
    ("deadlock detected", ErrorKind::Conflict),
    // 57014, 55P03
    ("canceling statement due to", ErrorKind::StatementTimeout),
    // 57P01, 57P02, 57P05 and 25P03
    ("terminating connection", ErrorKind::Unavailable),
    // 57P03
    ("the database system is", ErrorKind::Unavailable),
    ("the database system is not", ErrorKind::Unavailable),
    // 53300
    ("too many clients", ErrorKind::Unavailable),
    (
        "remaining connection slots are reserved",
        ErrorKind::Unavailable,
    ),
    // 08xxx, as libpq words it
    ("server closed the connection", ErrorKind::Unavailable),
    ("no connection to the server", ErrorKind::Unavailable),
    ("could not receive data from server", ErrorKind::Unavailable),
    ("could not send data to server", ErrorKind::Unavailable),
    ("SSL connection has been closed", ErrorKind::Unavailable),
    ("connection to server", ErrorKind::Unavailable),
    // 53100
    ("No space left on device", ErrorKind::Full),
    // SQLITE_BUSY, SQLITE_LOCKED
    ("database is locked", ErrorKind::Busy),
    ("database table is locked", ErrorKind::Busy),
    // SQLITE_FULL, SQLITE_IOERR
    ("database or disk is full", ErrorKind::Full),
    ("disk I/O error", ErrorKind::Full),
    // SQLITE_READONLY
    ("attempt to write a readonly database", ErrorKind::ReadOnly),
    // SQLITE_CANTOPEN
    ("unable to open", ErrorKind::Refused),
    // SQLITE_CORRUPT, SQLITE_NOTADB
    ("disk image is malformed", ErrorKind::Corrupt),
    ("file is not a database", ErrorKind::Corrupt),
];

fn classify_message(message: &str) -> ErrorKind {
    MESSAGES
        .iter()
        .find(|(part, _)| message.contains(part))
        .map_or(ErrorKind::Bug, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseErrorKind, message: &str) -> DatabaseError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn a_kind_that_diesel_knows_decides_whatever_the_message_says() {
        assert_eq!(
            of(DatabaseErrorKind::UniqueViolation, "database is locked").kind(),
            ErrorKind::Unique
        );
        assert_eq!(
            of(DatabaseErrorKind::SerializationFailure, "").kind(),
            ErrorKind::Conflict
        );
        assert_eq!(
            of(DatabaseErrorKind::ClosedConnection, "anything").kind(),
            ErrorKind::Unavailable
        );
    }

    /// A start in the middle of an outage once ended the process with "the address has a form…".
    #[test]
    fn a_connection_that_breaks_while_it_is_set_up_says_nothing_against_its_address() {
        let broken = |message: &str| {
            let text = Box::new(message.to_owned());
            let error = DieselError::DatabaseError(DatabaseErrorKind::Unknown, text);
            DatabaseError::from(ConnectionError::CouldntSetupConfiguration(error)).kind()
        };
        let reset = "could not receive data from server: Connection reset by peer";
        assert_eq!(broken(reset), ErrorKind::Unavailable);
        assert_eq!(broken("who knows"), ErrorKind::Unavailable);
        assert_eq!(broken("database is locked"), ErrorKind::Busy);
    }

    #[test]
    fn the_message_decides_what_diesel_leaves_unknown() {
        for (message, kind) in [
            ("deadlock detected", ErrorKind::Conflict),
            (
                "canceling statement due to statement timeout",
                ErrorKind::StatementTimeout,
            ),
            (
                "canceling statement due to lock timeout",
                ErrorKind::StatementTimeout,
            ),
            (
                "terminating connection due to administrator command",
                ErrorKind::Unavailable,
            ),
            ("the database system is starting up", ErrorKind::Unavailable),
            ("sorry, too many clients already", ErrorKind::Unavailable),
            ("database is locked", ErrorKind::Busy),
            ("database or disk is full", ErrorKind::Full),
            ("attempt to write a readonly database", ErrorKind::ReadOnly),
            ("file is not a database", ErrorKind::Corrupt),
            ("syntax error at or near \"FORM\"", ErrorKind::Bug),
        ] {
            assert_eq!(
                of(DatabaseErrorKind::Unknown, message).kind(),
                kind,
                "{message}"
            );
        }
    }

    #[test]
    fn what_libpq_cannot_read_of_an_address_is_not_passed_on() {
        for text in [
            "invalid percent-encoded token: \"SECRET%zz\"",
            "invalid URI query parameter: \"SECRET\"",
        ] {
            let error = DatabaseError::from(ConnectionError::BadConnection(text.to_owned()));
            let shown = crate::telemetry::error_chain(&error);
            assert!(!shown.contains("SECRET") && error.is_permanent(), "{shown}");
        }
        let refused = "connection to server at \"h\", port 1 failed:\n\tConnection refused\n";
        let error = DatabaseError::from(ConnectionError::BadConnection(refused.to_owned()));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            crate::telemetry::error_chain(&error).ends_with("port 1 failed: Connection refused")
        );
    }

    #[test]
    fn only_faults_of_the_database_are_outages() {
        assert!(DatabaseError::deadline().is_outage());
        assert!(DatabaseError::conflict().is_outage());
        assert!(!DatabaseError::from(DieselError::NotFound).is_outage());
        assert!(!of(DatabaseErrorKind::CheckViolation, "").is_outage());
    }
}

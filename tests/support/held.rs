//! A database whose writes wait: the way to have a request in work for exactly as long as a test wants it there.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};

use crate::support::database::TestDatabase;

/// While it lives, whatever changes a product or adds an account waits; reads go on. On SQLite, where one writes at a time,
/// every write waits.
pub(crate) struct HeldWrites(
    #[expect(dead_code, reason = "it is there to be dropped")] Box<dyn std::any::Any>,
);

impl HeldWrites {
    /// From now on.
    pub(crate) fn in_database(database: &TestDatabase) -> Self {
        if let Some(file) = database.file() {
            let mut connection =
                SqliteConnection::establish(&file.display().to_string()).expect("the file");
            connection
                .batch_execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE")
                .expect("nobody writes for long");
            return Self(Box::new(connection));
        }
        let mut connection = PgConnection::establish(database.url()).expect("it answers");
        connection
            .batch_execute("BEGIN; LOCK TABLE products, accounts IN EXCLUSIVE MODE")
            .expect("nobody locks it for long");
        Self(Box::new(connection))
    }
}

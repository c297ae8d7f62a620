//! What planted bugs do to transactions; see [`crate::planted`].

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager};
use diesel::result::Error;

use super::{Conn, DatabaseError};
use crate::on_backend;
use crate::planted::{Bug, linger};

impl Conn<'_> {
    /// With this bug, what was done so far is committed, and what follows is a transaction of its own.
    pub fn split(&mut self, bug: Bug) -> Result<(), DatabaseError> {
        if bug.is_planted() {
            on_backend!(&mut *self, |c| c.batch_execute("COMMIT"))?;
            linger();
            match self {
                Conn::Postgres(c) => c.batch_execute("BEGIN"),
                Conn::Sqlite(c) => c.batch_execute("BEGIN IMMEDIATE"),
            }?;
        }
        Ok(())
    }

    /// A transaction for whose commit nobody cares. On PostgreSQL alone a commit can fail that the work could not foresee.
    pub(super) fn commit_unheeded<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let c = match self {
            Conn::Postgres(c) => c,
            Conn::Sqlite(c) => return c.immediate_transaction(|c| work(&mut Conn::Sqlite(c))),
        };
        AnsiTransactionManager::begin_transaction(&mut **c)?;
        let outcome = work(&mut Conn::Postgres(c));
        linger();
        let _unheeded = match outcome {
            Ok(_) => AnsiTransactionManager::commit_transaction(&mut **c),
            Err(_) => AnsiTransactionManager::rollback_transaction(&mut **c),
        };
        outcome
    }
}

//! Registering and finding accounts, and what the rest of the room works with.
//!
//! Every method is one or two database operations, each with a connection of its own; no connection is held while a
//! password is hashed. Sessions are in `sessions`.

use uuid::Uuid;

use super::error::AccountsError;
use super::hashing::PasswordHasher;
use super::metrics::{AccountMetrics, LoginOutcome, RegistrationOutcome};
use super::model::{Account, DisplayName, EmailAddress, InvalidPart, NewPassword, Role};
use super::store;
use super::token::{AccessTokens, Identity, TokenError};
use crate::database::{Database, DatabaseError, Operation, types::now};
use crate::telemetry;

/// Adds one account.
pub const INSERT_ACCOUNT: Operation = Operation("insert_account");
/// Adds many accounts, for load tests.
pub const SEED_ACCOUNTS: Operation = Operation("seed_accounts");
/// Reads one account.
pub const FIND_ACCOUNT: Operation = Operation("find_account");
/// Reads what a log-in needs.
pub const FIND_CREDENTIALS: Operation = Operation("find_credentials");
/// Remembers the refresh token of a new session.
pub const INSERT_SESSION: Operation = Operation("insert_session");
/// Exchanges a refresh token.
pub const ROTATE_REFRESH_TOKEN: Operation = Operation("rotate_refresh_token");
/// Ends all sessions of an account.
pub const REVOKE_SESSIONS: Operation = Operation("revoke_sessions");
/// Forgets refresh tokens that have expired.
pub const DELETE_EXPIRED_SESSIONS: Operation = Operation("delete_expired_sessions");

/// Every database operation of this room.
pub const OPERATIONS: &[Operation] = &[
    INSERT_ACCOUNT,
    SEED_ACCOUNTS,
    FIND_ACCOUNT,
    FIND_CREDENTIALS,
    INSERT_SESSION,
    ROTATE_REFRESH_TOKEN,
    REVOKE_SESSIONS,
    DELETE_EXPIRED_SESSIONS,
];

/// Accounts added by one statement when seeding: 6 values each, and SQLite takes 32,766 in one statement.
const SEED_BATCH: u32 = 500;

/// What an account is made of.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// What it will log in with.
    pub email: EmailAddress,
    /// What it will be called.
    pub display_name: DisplayName,
    /// What it will log in with, too.
    pub password: NewPassword,
    /// What it will be allowed to do.
    pub role: Role,
}

/// Accounts and their sessions. Clones share everything. Made in `setup`.
#[derive(Debug, Clone)]
pub struct AccountService {
    pub(super) database: Database,
    pub(super) passwords: PasswordHasher,
    pub(super) tokens: AccessTokens,
    pub(super) refresh_lifetime: chrono::TimeDelta,
    pub(super) metrics: AccountMetrics,
}

impl AccountService {
    /// Tells whose access token it is, without the database.
    pub fn authenticate(&self, access_token: &str) -> Result<Identity, TokenError> {
        self.tokens.verify(access_token)
    }

    /// Registers an account by itself. Counted in `registrations_total`.
    pub async fn register(&self, account: NewAccount) -> Result<Account, AccountsError> {
        let attempt = self.metrics.registration();
        let outcome = self.create(account).await;
        attempt.end(match &outcome {
            Ok(_) => RegistrationOutcome::Created,
            Err(AccountsError::EmailTaken) => RegistrationOutcome::EmailTaken,
            Err(error) if error.is_overload() => RegistrationOutcome::Overloaded,
            Err(_) => RegistrationOutcome::Failed,
        });
        let account = outcome?;
        telemetry::with_current(|context| context.set_account(account.id));
        Ok(account)
    }

    /// Counts a registration that the rate limit refused.
    pub fn count_throttled_registration(&self) {
        self.metrics
            .registration()
            .end(RegistrationOutcome::Throttled);
    }

    /// Counts a log-in that the rate limit refused.
    pub fn count_throttled_login(&self) {
        self.metrics.login().end(LoginOutcome::Throttled);
    }

    /// Makes an account, of any role: for the command line.
    pub async fn create(&self, new: NewAccount) -> Result<Account, AccountsError> {
        let password = self.passwords.hash(new.password).await?;
        let account = Account {
            id: Uuid::now_v7(),
            email: new.email,
            display_name: new.display_name,
            role: new.role,
            created_at: now(),
        };
        let row = account.clone();
        let inserted = self.database.write(INSERT_ACCOUNT, move |conn| {
            store::insert_accounts(conn, std::slice::from_ref(&row), &password)
        });
        if inserted.await? == 0 {
            return Err(AccountsError::EmailTaken);
        }
        if account.role == Role::Operator {
            tracing::info!(account.id = %account.id, "operator account was created");
        }
        Ok(account)
    }

    /// Makes sure that the customers `load-1@example.com` to `load-{count}@example.com` exist, and says how many were
    /// missing. New ones share one password and one hash of it, which costs 27 ms instead of 27 ms each; those that
    /// exist keep theirs.
    pub async fn seed(&self, count: u32, password: NewPassword) -> Result<usize, AccountsError> {
        let password = self.passwords.hash(password).await?;
        let mut added = 0;
        for first in (1..=count).step_by(SEED_BATCH as usize) {
            let last = first.saturating_add(SEED_BATCH - 1).min(count);
            let batch: Vec<_> = (first..=last)
                .map(seeded)
                .collect::<Result<_, _>>()
                .map_err(DatabaseError::unreadable)?;
            let password = password.clone();
            added += self
                .database
                .write(SEED_ACCOUNTS, move |conn| {
                    store::insert_accounts(conn, &batch, &password)
                })
                .await?;
        }
        Ok(added)
    }

    /// The account of that id; [`AccountsError::AccountGone`] when there is none.
    pub async fn find(&self, id: Uuid) -> Result<Account, AccountsError> {
        let account = self
            .database
            .read(FIND_ACCOUNT, move |conn| store::find_account(conn, id));
        account.await?.ok_or(AccountsError::AccountGone)
    }
}

/// A customer for load tests.
fn seeded(number: u32) -> Result<Account, InvalidPart> {
    Ok(Account {
        id: Uuid::now_v7(),
        email: EmailAddress::parse(&format!("load-{number}@example.com"))?,
        display_name: DisplayName::parse(&format!("Load {number}"))?,
        role: Role::Customer,
        created_at: now(),
    })
}

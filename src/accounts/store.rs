//! The queries of accounts and refresh tokens, each on a connection that somebody else checked out.
//!
//! No decisions and no transactions of its own: the service says what belongs together.
//! The one rule: a write that may collide says so by the number of rows, never by an error, because a failed statement
//! spoils the whole transaction on PostgreSQL.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::model::{Account, DisplayName, EmailAddress, InvalidPart, Role};
use super::password::HashedPassword;
use super::refresh::TokenDigest;
use crate::database::schema::{accounts, refresh_tokens};
use crate::database::types::{Key, Stamp};
use crate::database::{Conn, DatabaseError};
use crate::on_backend;

type Result<T> = std::result::Result<T, DatabaseError>;

/// An account as it stands in its table.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct AccountRow {
    id: Key,
    email: String,
    display_name: String,
    role: String,
    created_at: Stamp,
}

impl TryFrom<AccountRow> for Account {
    type Error = DatabaseError;

    fn try_from(row: AccountRow) -> Result<Self> {
        let unreadable = |error: InvalidPart| DatabaseError::unreadable(error);
        Ok(Self {
            id: row.id.into(),
            email: EmailAddress::parse(&row.email).map_err(unreadable)?,
            display_name: DisplayName::parse(&row.display_name).map_err(unreadable)?,
            role: role(&row.role)?,
            created_at: row.created_at.into(),
        })
    }
}

fn role(name: &str) -> Result<Role> {
    Role::parse(name).ok_or_else(|| DatabaseError::unreadable("an account has an unknown role"))
}

#[derive(Insertable)]
#[diesel(table_name = accounts, treat_none_as_default_value = false)]
struct NewAccountRow<'a> {
    id: Key,
    email: &'a str,
    password_hash: &'a str,
    display_name: &'a str,
    role: &'static str,
    created_at: Stamp,
}

/// Adds the accounts whose e-mail address nobody has yet, all with the same password; says how many those were.
pub(super) fn insert_accounts(
    conn: &mut Conn<'_>,
    accounts: &[Account],
    password: &HashedPassword,
) -> Result<usize> {
    let rows: Vec<_> = accounts
        .iter()
        .map(|account| NewAccountRow {
            id: Key(account.id),
            email: account.email.as_str(),
            password_hash: password.as_str(),
            display_name: account.display_name.as_str(),
            role: account.role.as_str(),
            created_at: Stamp(account.created_at),
        })
        .collect();
    Ok(on_backend!(conn, |c| diesel::insert_into(accounts::table)
        .values(&rows)
        .on_conflict(accounts::email)
        .do_nothing()
        .execute(c))?)
}

/// The account of that id.
pub(super) fn find_account(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<Account>> {
    let row = on_backend!(conn, |c| accounts::table
        .find(Key(id))
        .select(AccountRow::as_select())
        .first(c)
        .optional())?;
    row.map(Account::try_from).transpose()
}

/// What a log-in needs of an account.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    /// The account.
    pub account: Uuid,
    /// Its role.
    pub role: Role,
    /// Its password.
    pub password: HashedPassword,
}

/// The credentials that go with an e-mail address.
pub(super) fn find_credentials(
    conn: &mut Conn<'_>,
    email: &EmailAddress,
) -> Result<Option<Credentials>> {
    let row: Option<(Key, String, String)> = on_backend!(conn, |c| accounts::table
        .filter(accounts::email.eq(email.as_str()))
        .select((accounts::id, accounts::role, accounts::password_hash))
        .first(c)
        .optional())?;
    row.map(|(account, name, hash)| {
        let password = HashedPassword::from_stored(hash);
        Ok(Credentials {
            account: account.into(),
            role: role(&name)?,
            password,
        })
    })
    .transpose()
}

/// Puts another hash of the same password in place of `old`, unless somebody else has done so.
pub(super) fn replace_password(
    conn: &mut Conn<'_>,
    account: Uuid,
    old: &HashedPassword,
    new: &HashedPassword,
) -> Result<bool> {
    let rows = on_backend!(conn, |c| diesel::update(accounts::table.find(Key(account)))
        .filter(accounts::password_hash.eq(old.as_str()))
        .set(accounts::password_hash.eq(new.as_str()))
        .execute(c))?;
    Ok(rows == 1)
}

/// Locks an account against other changes of its tokens, until the transaction ends; `None` when it is gone. Taken
/// before its tokens are touched, so that whoever revokes them misses none that is being added. SQLite has one writer.
pub(super) fn lock_account(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<Role>> {
    let query = accounts::table.find(Key(id)).select(accounts::role);
    let name: Option<String> = match conn {
        Conn::Postgres(c) => query.for_no_key_update().first(*c).optional()?,
        Conn::Sqlite(c) => query.first(*c).optional()?,
    };
    name.map(|name| role(&name)).transpose()
}

/// A refresh token to be remembered.
#[derive(Debug, Clone)]
pub(super) struct NewRefreshToken {
    /// What it is known by.
    pub digest: TokenDigest,
    /// The log-in that it descends from.
    pub family: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
struct NewRefreshTokenRow<'a> {
    token_hash: &'a [u8],
    family_id: Key,
    account_id: Key,
    created_at: Stamp,
    expires_at: Stamp,
}

/// Remembers a refresh token.
pub(super) fn insert_refresh_token(conn: &mut Conn<'_>, token: &NewRefreshToken) -> Result<()> {
    let row = NewRefreshTokenRow {
        token_hash: token.digest.as_bytes(),
        family_id: Key(token.family),
        account_id: Key(token.account),
        created_at: Stamp(token.created_at),
        expires_at: Stamp(token.expires_at),
    };
    on_backend!(conn, |c| diesel::insert_into(refresh_tokens::table)
        .values(&row)
        .execute(c))?;
    Ok(())
}

/// A refresh token as it stands in its table.
#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct RefreshTokenRow {
    family_id: Key,
    account_id: Key,
    expires_at: Stamp,
    revoked_at: Option<Stamp>,
}

/// A refresh token that is remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownRefreshToken {
    /// The log-in that it descends from.
    pub family: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// Whether it was revoked.
    pub is_revoked: bool,
}

impl From<RefreshTokenRow> for KnownRefreshToken {
    fn from(row: RefreshTokenRow) -> Self {
        Self {
            family: row.family_id.into(),
            account: row.account_id.into(),
            expires_at: row.expires_at.into(),
            is_revoked: row.revoked_at.is_some(),
        }
    }
}

/// The refresh token of that digest.
pub(super) fn find_refresh_token(
    conn: &mut Conn<'_>,
    digest: &TokenDigest,
) -> Result<Option<KnownRefreshToken>> {
    let row = on_backend!(conn, |c| refresh_tokens::table
        .find(digest.as_bytes())
        .select(RefreshTokenRow::as_select())
        .first(c)
        .optional())?;
    Ok(row.map(KnownRefreshToken::from))
}

/// Marks a token as used, unless it was; only one of two that try at once is told `true`.
pub(super) fn use_refresh_token(
    conn: &mut Conn<'_>,
    digest: &TokenDigest,
    now: DateTime<Utc>,
) -> Result<bool> {
    let rows = on_backend!(conn, |c| diesel::update(
        refresh_tokens::table.find(digest.as_bytes())
    )
    .filter(refresh_tokens::used_at.is_null())
    .set(refresh_tokens::used_at.eq(Stamp(now)))
    .execute(c))?;
    Ok(rows == 1)
}

/// Revokes every token of a family; says how many were still alive.
pub(super) fn revoke_family(
    conn: &mut Conn<'_>,
    family: Uuid,
    now: DateTime<Utc>,
) -> Result<usize> {
    Ok(on_backend!(conn, |c| diesel::update(
        refresh_tokens::table
    )
    .filter(refresh_tokens::family_id.eq(Key(family)))
    .filter(refresh_tokens::revoked_at.is_null())
    .set(refresh_tokens::revoked_at.eq(Stamp(now)))
    .execute(c))?)
}

/// Revokes every token of an account; says how many were still alive.
pub(super) fn revoke_account(
    conn: &mut Conn<'_>,
    account: Uuid,
    now: DateTime<Utc>,
) -> Result<usize> {
    Ok(on_backend!(conn, |c| diesel::update(
        refresh_tokens::table
    )
    .filter(refresh_tokens::account_id.eq(Key(account)))
    .filter(refresh_tokens::revoked_at.is_null())
    .set(refresh_tokens::revoked_at.eq(Stamp(now)))
    .execute(c))?)
}

/// Forgets at most `limit` tokens that have expired, the oldest first; says how many. An expired token is refused
/// whether it is remembered or not. Small bites: on SQLite nobody else writes meanwhile.
pub(super) fn delete_expired(conn: &mut Conn<'_>, now: DateTime<Utc>, limit: i64) -> Result<usize> {
    let expired = diesel::alias!(refresh_tokens as expired);
    Ok(on_backend!(conn, |c| diesel::delete(
        refresh_tokens::table
    )
    .filter(
        refresh_tokens::token_hash.eq_any(
            expired
                .filter(expired.field(refresh_tokens::expires_at).lt(Stamp(now)))
                .order(expired.field(refresh_tokens::expires_at))
                .limit(limit)
                .select(expired.field(refresh_tokens::token_hash)),
        ),
    )
    .execute(c))?)
}

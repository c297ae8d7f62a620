//! The records of Idempotency-Keys: the first answer to each, kept in the transaction that made it.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::FilterDsl;
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
use uuid::Uuid;

use crate::database::schema::idempotency_keys;
use crate::database::types::{Id, Instant, Key, Stamp};
use crate::database::{Conn, DatabaseError};
use crate::on_backend;
use crate::orders::idempotency::IdempotencyKey;

/// What is remembered of the first request with a key.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::orders) struct Record {
    /// Fingerprint of the request.
    pub(in crate::orders) request_hash: Vec<u8>,
    /// Status of the answer.
    pub(in crate::orders) response_status: i32,
    /// The answer, as it was sent or as it can be made again from.
    pub(in crate::orders) response_body: String,
    /// The order that was placed, if one was.
    pub(in crate::orders) order_id: Option<Uuid>,
    /// When it was made.
    pub(in crate::orders) created_at: DateTime<Utc>,
}

/// The columns of a [`Record`].
type Columns = (
    idempotency_keys::request_hash,
    idempotency_keys::response_status,
    idempotency_keys::response_body,
    idempotency_keys::order_id,
    idempotency_keys::created_at,
);
type Row = (Vec<u8>, i32, String, Option<Key>, Stamp);

impl From<Row> for Record {
    fn from((request_hash, response_status, response_body, order_id, created_at): Row) -> Self {
        let order_id = order_id.map(Uuid::from);
        Self {
            request_hash,
            response_status,
            response_body,
            order_id,
            created_at: created_at.into(),
        }
    }
}

/// What is known of a key.
#[derive(Debug)]
pub(in crate::orders) struct Claimed {
    /// No other transaction is at work on the key now, nor will be until this one ends.
    pub(in crate::orders) alone: bool,
    /// What is remembered, however old.
    pub(in crate::orders) record: Option<Record>,
}

/// Claims the key for this transaction, if nobody else has, and reads its record: on PostgreSQL in one round trip. The
/// record is read as of just before the claim, so it may be missing although another transaction has just committed
/// it: [`remember`] notices. On SQLite the transaction is the only writer already.
pub(in crate::orders) fn claim(
    conn: &mut Conn<'_>,
    account: Uuid,
    key: &IdempotencyKey,
) -> Result<Claimed, DatabaseError> {
    let (alone, row): (bool, Option<Row>) = match conn {
        Conn::Postgres(c) => ClaimKey {
            lock: key.lock_number(account),
            account: Key(account),
            key: key.as_str().to_owned(),
        }
        .get_result(*c)?,
        Conn::Sqlite(c) => {
            let query = idempotency_keys::table.find((Key(account), key.as_str()));
            (true, query.select(Columns::default()).first(*c).optional()?)
        }
    };
    Ok(Claimed {
        alone,
        record: row.map(Record::from),
    })
}

/// The claim as PostgreSQL is asked for it. Written out, because Diesel has no join with nothing; not by `sql_query`,
/// because that is planned anew each time.
#[derive(QueryId)]
struct ClaimKey {
    lock: i64,
    account: Key,
    key: String,
}

impl Query for ClaimKey {
    type SqlType = (
        Bool,
        Nullable<(Binary, Integer, Text, Nullable<Id>, Instant)>,
    );
}

impl RunQueryDsl<PgConnection> for ClaimKey {}

impl QueryFragment<Pg> for ClaimKey {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT pg_try_advisory_xact_lock(");
        out.push_bind_param::<BigInt, _>(&self.lock)?;
        out.push_sql(
            "), k.request_hash, k.response_status, k.response_body, k.order_id, k.created_at \
             FROM (SELECT 1) AS always LEFT JOIN idempotency_keys AS k ON k.account_id = ",
        );
        out.push_bind_param::<Id, _>(&self.account)?;
        out.push_sql(" AND k.key = ");
        out.push_bind_param::<Text, _>(&self.key)
    }
}

/// Remembers the answer to the first request with a key, in place of one made before `cutoff`. Tells `false` when there
/// is a younger one, which must be answered instead.
pub(in crate::orders) fn remember(
    conn: &mut Conn<'_>,
    account: Uuid,
    key: &IdempotencyKey,
    record: &Record,
    cutoff: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let values = (
        idempotency_keys::request_hash.eq(&record.request_hash),
        idempotency_keys::response_status.eq(record.response_status),
        idempotency_keys::response_body.eq(&record.response_body),
        idempotency_keys::order_id.eq(record.order_id.map(Key)),
        idempotency_keys::created_at.eq(Stamp(record.created_at)),
    );
    let stored = on_backend!(conn, |c| diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::account_id.eq(Key(account)),
            idempotency_keys::key.eq(key.as_str()),
            values
        ))
        .on_conflict((idempotency_keys::account_id, idempotency_keys::key))
        .do_update()
        .set(values)
        .filter(idempotency_keys::created_at.lt(Stamp(cutoff)))
        .execute(c))?;
    Ok(stored == 1)
}

/// The oldest records made before the moment given, so many at most. Rows that another replica is deleting, or that a
/// request is replacing, are left to them.
const FORGET_POSTGRES: &str = "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(\
     SELECT ctid FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
const FORGET_SQLITE: &str = "DELETE FROM idempotency_keys WHERE rowid IN (\
     SELECT rowid FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)";

/// Deletes records made before `cutoff`, `limit` at most, and tells how many.
pub(in crate::orders) fn forget_before(
    conn: &mut Conn<'_>,
    cutoff: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DatabaseError> {
    let sql = match conn {
        Conn::Postgres(_) => FORGET_POSTGRES,
        Conn::Sqlite(_) => FORGET_SQLITE,
    };
    Ok(on_backend!(conn, |c| diesel::sql_query(sql)
        .bind::<Instant, _>(Stamp(cutoff))
        .bind::<BigInt, _>(limit)
        .execute(c))?)
}

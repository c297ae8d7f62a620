//! What the tests of this room look up or bring about behind its back.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::database::schema::{accounts, idempotency_keys, outbox_events};
use crate::database::types::{Key, Stamp};
use crate::database::{Conn, DatabaseError};
use crate::on_backend;

/// An account, for orders to belong to.
pub(in crate::orders) fn insert_account(
    conn: &mut Conn<'_>,
    id: Uuid,
) -> Result<(), DatabaseError> {
    let values = (
        accounts::id.eq(Key(id)),
        accounts::email.eq(format!("{id}@example.com")),
        accounts::password_hash.eq("none"),
        accounts::display_name.eq("Test"),
        accounts::role.eq("customer"),
        accounts::created_at.eq(Stamp(Utc::now())),
    );
    on_backend!(conn, |c| diesel::insert_into(accounts::table)
        .values(values)
        .execute(c))?;
    Ok(())
}

/// Type and payload of the events of an order, in the order of their ids.
pub(in crate::orders) fn events(
    conn: &mut Conn<'_>,
    order: Uuid,
) -> Result<Vec<(String, String)>, DatabaseError> {
    Ok(on_backend!(conn, |c| outbox_events::table
        .filter(outbox_events::subject_id.eq(Key(order)))
        .order(outbox_events::id)
        .select((outbox_events::event_type, outbox_events::payload))
        .load(c))?)
}

/// How many records of keys there are.
pub(in crate::orders) fn records(conn: &mut Conn<'_>) -> Result<i64, DatabaseError> {
    Ok(on_backend!(conn, |c| idempotency_keys::table
        .count()
        .get_result(c))?)
}

/// So many records of an account, made then.
pub(in crate::orders) fn insert_records(
    conn: &mut Conn<'_>,
    account: Uuid,
    count: usize,
    at: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    for _ in 0..count {
        let values = (
            idempotency_keys::account_id.eq(Key(account)),
            idempotency_keys::key.eq(Uuid::now_v7().to_string()),
            idempotency_keys::request_hash.eq(vec![0_u8; 32]),
            idempotency_keys::response_status.eq(201),
            idempotency_keys::response_body.eq("{}"),
            idempotency_keys::created_at.eq(Stamp(at)),
        );
        on_backend!(conn, |c| diesel::insert_into(idempotency_keys::table)
            .values(values)
            .execute(c))?;
    }
    Ok(())
}

/// Makes every record older.
pub(in crate::orders) fn age_records(
    conn: &mut Conn<'_>,
    by: TimeDelta,
) -> Result<(), DatabaseError> {
    let at = Stamp(Utc::now() - by);
    on_backend!(conn, |c| diesel::update(idempotency_keys::table)
        .set(idempotency_keys::created_at.eq(at))
        .execute(c))?;
    Ok(())
}

//! The queries of the outbox: for now, the one that writes an event down.

use diesel::prelude::*;
use uuid::Uuid;

use super::event::NewEvent;
use crate::database::schema::outbox_events;
use crate::database::types::{Key, Stamp};
use crate::database::{Conn, DatabaseError};
use crate::on_backend;

/// A row of `outbox_events`.
#[derive(Insertable)]
#[diesel(table_name = outbox_events, treat_none_as_default_value = false)]
struct NewEventRow<'a> {
    id: Key,
    subject_id: Key,
    event_type: &'a str,
    payload: &'a str,
    created_at: Stamp,
}

/// Writes the event down in the caller's transaction, with a new id: that is what receivers tell repeated deliveries by.
/// Ids of one process ascend, so the events of a subject that is locked when they are written sort in their order.
pub fn append(conn: &mut Conn<'_>, event: &NewEvent) -> Result<(), DatabaseError> {
    let row = NewEventRow {
        id: Key(Uuid::now_v7()),
        subject_id: Key(event.subject_id),
        event_type: event.event_type,
        payload: &event.payload,
        created_at: Stamp(event.created_at),
    };
    on_backend!(conn, |c| diesel::insert_into(outbox_events::table)
        .values(&row)
        .execute(c))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::database::types::now;
    use crate::database::{Database, Operation, migrations};
    use crate::settings::{DatabaseSettings, DatabaseUrl};
    use crate::telemetry::metrics::Registry;

    const TEST: Operation = Operation("test");

    type Row = (Key, Key, String, String, Stamp);

    fn events(conn: &mut Conn<'_>) -> Result<Vec<Row>, DatabaseError> {
        let rows = on_backend!(conn, |c| outbox_events::table
            .order(outbox_events::id)
            .load(c))?;
        Ok(rows)
    }

    #[tokio::test]
    async fn an_event_exists_exactly_when_its_transaction_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("outbox.db"));
        migrations::run(&url).unwrap();
        let settings = DatabaseSettings {
            url,
            ..DatabaseSettings::default()
        };
        let database = Database::new(&settings, &[TEST], &Registry::new()).unwrap();
        let (subject, at) = (Uuid::now_v7(), now());
        let event = |name| NewEvent::new(name, subject, at, &[1, 2]).unwrap();

        let (placed, paid, lost) = (
            event("order.placed"),
            event("order.paid"),
            event("order.shipped"),
        );
        let both =
            move |conn: &mut Conn<'_>| append(conn, &placed).and_then(|()| append(conn, &paid));
        database.write(TEST, both).await.unwrap();
        let failing = move |conn: &mut Conn<'_>| {
            append(conn, &lost)?;
            Err::<(), _>(DatabaseError::unreadable("the work after it failed"))
        };
        database.write(TEST, failing).await.unwrap_err();

        let rows = database.read(TEST, events).await.unwrap();
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.1.0, row.2.as_str(), row.4.0))
            .collect();
        assert_eq!(
            shown,
            [(subject, "order.placed", at), (subject, "order.paid", at)]
        );
        let time = DateTime::to_rfc3339_opts(&at, chrono::SecondsFormat::Millis, true);
        assert_eq!(
            rows[0].3,
            format!(r#"{{"type":"order.placed","timestamp":"{time}","data":[1,2]}}"#)
        );
    }
}

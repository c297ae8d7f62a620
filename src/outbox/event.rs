//! An event and the shape of its payload, `{type, timestamp, data}`. Pure: nothing here knows of a database.
//!
//! The payload is written once, when the event happens, and delivered byte for byte, however late and however often.
//! Receivers keep it for years, so the rule: fields are added, never renamed or removed. What cannot keep to that is
//! another event type, such as `order.placed.v2`, beside the first.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use uuid::Uuid;

/// An event to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The id of what it happened to; the events of one subject are delivered in their order.
    pub subject_id: Uuid,
    /// What happened, such as `order.placed`.
    pub event_type: &'static str,
    /// JSON, as it will be delivered.
    pub payload: String,
    /// When it happened.
    pub created_at: DateTime<Utc>,
}

/// The payload of every event, in the order in which it is written.
#[derive(Serialize)]
struct Payload<'a, T> {
    #[serde(rename = "type")]
    event_type: &'a str,
    timestamp: String,
    data: &'a T,
}

impl NewEvent {
    /// An event of that type, with the subject as it then was for its data. It fails only on data that JSON cannot
    /// hold, such as a map whose keys are no text.
    pub fn new(
        event_type: &'static str,
        subject_id: Uuid,
        created_at: DateTime<Utc>,
        data: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        let timestamp = created_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let payload = serde_json::to_string(&Payload {
            event_type,
            timestamp,
            data,
        })?;
        Ok(Self {
            subject_id,
            event_type,
            payload,
            created_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What receivers rely on, to the byte.
    #[test]
    fn a_payload_holds_type_timestamp_and_data_in_this_order() {
        let at = DateTime::from_timestamp_millis(1_790_000_000_007).unwrap();
        let data = BTreeMap::from([("id", "7"), ("status", "placed")]);
        let event = NewEvent::new("order.placed", Uuid::nil(), at, &data).unwrap();
        assert_eq!(
            event.payload,
            r#"{"type":"order.placed","timestamp":"2026-09-21T14:13:20.007Z","data":{"id":"7","status":"placed"}}"#
        );
        assert_eq!((event.event_type, event.created_at), ("order.placed", at));
    }

    #[test]
    fn data_that_json_cannot_hold_is_an_error() {
        let data = BTreeMap::from([((1, 2), "pairs are no keys")]);
        assert!(NewEvent::new("order.placed", Uuid::nil(), Utc::now(), &data).is_err());
    }
}

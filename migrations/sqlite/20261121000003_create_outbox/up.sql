-- What happened, written in the transaction in which it happened, for delivery afterwards.
CREATE TABLE outbox_events (
    id         TEXT NOT NULL PRIMARY KEY,
    subject_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    payload    TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_events_by_subject ON outbox_events (subject_id, id);

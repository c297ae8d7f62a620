-- What happened, written in the transaction in which it happened, for delivery afterwards.
CREATE TABLE outbox_events (
    id         uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    event_type text NOT NULL,
    payload    text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX outbox_events_by_subject ON outbox_events (subject_id, id);

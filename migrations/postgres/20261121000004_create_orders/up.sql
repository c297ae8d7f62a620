CREATE TABLE orders (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES accounts,
    status      text NOT NULL CHECK (status IN ('placed', 'paid', 'shipped', 'delivered', 'cancelled')),
    total_cents bigint NOT NULL CHECK (total_cents >= 0),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
-- Pages of one account's orders, newest first, with and without a status: both read only what they show.
CREATE INDEX orders_by_account ON orders (account_id, id);
CREATE INDEX orders_by_account_and_status ON orders (account_id, status, id);

-- Name and price are copies, made when the order was placed.
CREATE TABLE order_lines (
    order_id         uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
    line_no          integer NOT NULL,
    product_id       uuid NOT NULL REFERENCES products,
    sku              text NOT NULL,
    name             text NOT NULL,
    quantity         bigint NOT NULL CHECK (quantity > 0),
    unit_price_cents bigint NOT NULL CHECK (unit_price_cents >= 0),
    line_total_cents bigint NOT NULL CHECK (line_total_cents >= 0),
    PRIMARY KEY (order_id, line_no)
);

CREATE TABLE order_history (
    order_id    uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
    id          uuid NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    actor_id    uuid NOT NULL REFERENCES accounts,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (order_id, id)
);

-- The answer to a request that carried an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency_keys (
    account_id      uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key             text NOT NULL,
    request_hash    bytea NOT NULL,
    response_status integer NOT NULL,
    response_body   text NOT NULL,
    order_id        uuid,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

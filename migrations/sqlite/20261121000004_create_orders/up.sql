CREATE TABLE orders (
    id          TEXT NOT NULL PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts,
    status      TEXT NOT NULL CHECK (status IN ('placed', 'paid', 'shipped', 'delivered', 'cancelled')),
    total_cents INTEGER NOT NULL CHECK (total_cents >= 0),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;
-- Pages of one account's orders, newest first, with and without a status: both read only what they show.
CREATE INDEX orders_by_account ON orders (account_id, id);
CREATE INDEX orders_by_account_and_status ON orders (account_id, status, id);

-- Name and price are copies, made when the order was placed.
CREATE TABLE order_lines (
    order_id         TEXT NOT NULL REFERENCES orders ON DELETE CASCADE,
    line_no          INTEGER NOT NULL,
    product_id       TEXT NOT NULL REFERENCES products,
    sku              TEXT NOT NULL,
    name             TEXT NOT NULL,
    quantity         INTEGER NOT NULL CHECK (quantity > 0),
    unit_price_cents INTEGER NOT NULL CHECK (unit_price_cents >= 0),
    line_total_cents INTEGER NOT NULL CHECK (line_total_cents >= 0),
    PRIMARY KEY (order_id, line_no)
) STRICT;

CREATE TABLE order_history (
    order_id    TEXT NOT NULL REFERENCES orders ON DELETE CASCADE,
    id          TEXT NOT NULL,
    from_status TEXT,
    to_status   TEXT NOT NULL,
    actor_id    TEXT NOT NULL REFERENCES accounts,
    created_at  TEXT NOT NULL,
    PRIMARY KEY (order_id, id)
) STRICT;

-- The answer to a request that carried an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency_keys (
    account_id      TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key             TEXT NOT NULL,
    request_hash    BLOB NOT NULL,
    response_status INTEGER NOT NULL,
    response_body   TEXT NOT NULL,
    order_id        TEXT,
    created_at      TEXT NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE products (
    id               uuid PRIMARY KEY,
    sku              text NOT NULL UNIQUE,
    name             text NOT NULL,
    product_type     text NOT NULL CHECK (product_type IN ('physical', 'digital', 'service', 'subscription')),
    unit_price_cents bigint NOT NULL CHECK (unit_price_cents >= 0),
    -- The last guard against overselling: no statement can take it below zero.
    stock            bigint NOT NULL CHECK (stock >= 0),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);
CREATE INDEX products_by_type ON products (product_type, id);

CREATE TABLE products (
    id               TEXT NOT NULL PRIMARY KEY,
    sku              TEXT NOT NULL UNIQUE,
    name             TEXT NOT NULL,
    product_type     TEXT NOT NULL CHECK (product_type IN ('physical', 'digital', 'service', 'subscription')),
    unit_price_cents INTEGER NOT NULL CHECK (unit_price_cents >= 0),
    -- The last guard against overselling: no statement can take it below zero.
    stock            INTEGER NOT NULL CHECK (stock >= 0),
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL
) STRICT;
CREATE INDEX products_by_type ON products (product_type, id);

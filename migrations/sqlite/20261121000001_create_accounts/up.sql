CREATE TABLE accounts (
    id            TEXT NOT NULL PRIMARY KEY,
    -- Always in lower case: an address is one account in whatever letter case it is typed.
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    display_name  TEXT NOT NULL,
    role          TEXT NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'operator')),
    created_at    TEXT NOT NULL
) STRICT;

-- One row for each refresh token ever given out and not yet expired: a used one that comes back
-- reveals theft, and ends its whole family.
CREATE TABLE refresh_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    family_id  TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at    TEXT,
    revoked_at TEXT
) STRICT;
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_by_account ON refresh_tokens (account_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

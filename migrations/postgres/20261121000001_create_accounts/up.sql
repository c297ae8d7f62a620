CREATE TABLE accounts (
    id            uuid PRIMARY KEY,
    -- Always in lower case: an address is one account in whatever letter case it is typed.
    email         text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    display_name  text NOT NULL,
    role          text NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'operator')),
    created_at    timestamptz NOT NULL
);

-- One row for each refresh token ever given out and not yet expired: a used one that comes back
-- reveals theft, and ends its whole family.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    family_id  uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_by_account ON refresh_tokens (account_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

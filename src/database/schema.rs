//! The tables, as Diesel sees them. Generated from the migrations (`make docs` writes it anew, a test keeps it equal):
//! change a migration, never this file.

#![expect(missing_docs, reason = "the migrations say what a column means")]

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    accounts (id) {
        id -> Id,
        email -> Text,
        password_hash -> Text,
        display_name -> Text,
        role -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    idempotency_keys (account_id, key) {
        account_id -> Id,
        key -> Text,
        request_hash -> Binary,
        response_status -> Integer,
        response_body -> Text,
        order_id -> Nullable<Id>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    order_history (order_id, id) {
        order_id -> Id,
        id -> Id,
        from_status -> Nullable<Text>,
        to_status -> Text,
        actor_id -> Id,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    order_lines (order_id, line_no) {
        order_id -> Id,
        line_no -> Integer,
        product_id -> Id,
        sku -> Text,
        name -> Text,
        quantity -> BigInt,
        unit_price_cents -> BigInt,
        line_total_cents -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    orders (id) {
        id -> Id,
        account_id -> Id,
        status -> Text,
        total_cents -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    outbox_events (id) {
        id -> Id,
        subject_id -> Id,
        event_type -> Text,
        payload -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    products (id) {
        id -> Id,
        sku -> Text,
        name -> Text,
        product_type -> Text,
        unit_price_cents -> BigInt,
        stock -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::database::types::{Id, Instant};

    refresh_tokens (token_hash) {
        token_hash -> Binary,
        family_id -> Id,
        account_id -> Id,
        created_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
    }
}

diesel::joinable!(idempotency_keys -> accounts (account_id));
diesel::joinable!(order_history -> accounts (actor_id));
diesel::joinable!(order_history -> orders (order_id));
diesel::joinable!(order_lines -> orders (order_id));
diesel::joinable!(order_lines -> products (product_id));
diesel::joinable!(orders -> accounts (account_id));
diesel::joinable!(refresh_tokens -> accounts (account_id));
diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    idempotency_keys,
    order_history,
    order_lines,
    orders,
    outbox_events,
    products,
    refresh_tokens,
);

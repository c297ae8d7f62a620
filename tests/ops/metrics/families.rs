//! Every family with a closed label set, and all its series: what has to be there right after the start, because a
//! series that is born at its first increment is invisible to `rate`.

use std::collections::BTreeMap;

use crate::support::database::Backend;

/// The labels of one series.
pub(crate) type Labels = BTreeMap<String, String>;

/// One family at the start.
pub(crate) struct Family {
    /// The name of its samples: of a histogram that of its counts.
    pub(crate) name: &'static str,
    /// Its series.
    pub(crate) series: Vec<Labels>,
    /// Whether all of them stand at 0, since nothing has happened yet that they tell of.
    pub(crate) at_zero: bool,
}

const ERRORS: &[&str] = &[
    "pool_wait",
    "pool_create",
    "deadline",
    "statement_timeout",
    "unavailable",
    "busy",
    "conflict",
    "read_only",
    "full",
    "unique_violation",
    "constraint_violation",
    "not_found",
    "refused",
    "schema",
    "corrupt",
    "bug",
];

const OPERATIONS: &[&str] = &[
    "delete_expired_sessions",
    "delete_idempotency_keys",
    "find_account",
    "find_credentials",
    "find_order",
    "find_product",
    "insert_account",
    "insert_order",
    "insert_product",
    "insert_session",
    "list_order_history",
    "list_orders",
    "list_products",
    "revoke_sessions",
    "rotate_refresh_token",
    "seed_accounts",
    "seed_products",
    "update_order",
    "update_product",
];

/// The whole list. `routes` are those of the API reference.
pub(crate) fn families(backend: Backend, routes: &[&str]) -> Vec<Family> {
    let pools: &[&str] = match backend {
        Backend::Postgres => &["primary"],
        Backend::Sqlite => &["reader", "writer"],
    };
    let mut all = http(routes);
    all.extend(admission());
    all.extend(database(pools));
    all.extend(subjects());
    all.extend([
        moving("ready", &[]),
        moving("health_check_up", &[("check", &["migrations", "database"])]),
        moving(
            "health_check_duration_seconds_count",
            &[("check", &["database"])],
        ),
        moving(
            "log_events_total",
            &[("level", &["error", "warn", "info", "debug", "trace"])],
        ),
        zero("log_lines_dropped_total", &[]),
        zero(
            "trace_spans_total",
            &[("outcome", &["exported", "dropped", "failed"])],
        ),
        moving(
            "runtime_lag_seconds_count",
            &[("runtime", &["http", "admin", "background"])],
        ),
        moving(
            "runtime_workers",
            &[("runtime", &["http", "admin", "background"])],
        ),
        moving("process_cpu_seconds_total", &[]),
        moving("process_resident_memory_bytes", &[]),
        moving("process_virtual_memory_bytes", &[]),
        moving("process_open_fds", &[]),
        moving("process_max_fds", &[]),
        moving("process_threads", &[]),
        moving("process_start_time_seconds", &[]),
    ]);
    all
}

fn http(routes: &[&str]) -> Vec<Family> {
    let paths = [routes, &["unmatched"]].concat();
    vec![
        zero("http_requests_in_flight", &[]),
        zero("http_connections_open", &[]),
        zero(
            "http_requests_rejected_total",
            &[(
                "reason",
                &[
                    "overload",
                    "rate_limit",
                    "timeout",
                    "payload",
                    "draining",
                    "pool",
                ],
            )],
        ),
        zero(
            "http_connections_closed_total",
            &[(
                "reason",
                &[
                    "limit",
                    "address_limit",
                    "handshake",
                    "header_timeout",
                    "body_timeout",
                    "write_timeout",
                    "malformed",
                ],
            )],
        ),
        zero("http_handler_panics_total", &[("path", &paths)]),
        zero(
            "rate_limit_requests_total",
            &[
                ("policy", &["register", "login", "api"]),
                ("decision", &["allowed", "rejected"]),
            ],
        ),
        zero(
            "rate_limit_fallbacks_total",
            &[("policy", &["register", "login", "api"])],
        ),
    ]
}

fn admission() -> Vec<Family> {
    let class = ("class", ["read", "write", "login"].as_slice());
    let reasons = ["full", "late", "displaced", "pool"].as_slice();
    vec![
        moving("http_admission_limit", &[class]),
        zero("http_admission_in_use", &[class]),
        zero("http_admission_queued", &[class]),
        zero("http_admission_wait_seconds_count", &[class]),
        zero(
            "http_admission_refused_total",
            &[class, ("reason", reasons)],
        ),
    ]
}

fn database(pools: &[&str]) -> Vec<Family> {
    let pool = ("pool", pools);
    vec![
        moving("db_pool_connections", &[pool, ("state", &["used", "idle"])]),
        moving("db_pool_connections_max", &[pool]),
        zero("db_pool_waiting", &[pool]),
        zero("db_pool_wait_seconds_count", &[pool]),
        zero("db_pool_hold_seconds_count", &[pool]),
        moving("db_pool_create_seconds_count", &[pool]),
        zero(
            "db_pool_timeouts_total",
            &[pool, ("phase", &["wait", "create", "recycle"])],
        ),
        moving("db_pool_connections_opened_total", &[pool]),
        zero(
            "db_pool_connections_closed_total",
            &[
                pool,
                ("reason", &["broken", "idle", "max_lifetime", "shutdown"]),
            ],
        ),
        zero(
            "db_operation_duration_seconds_count",
            &[
                ("operation", OPERATIONS),
                ("outcome", &["ok", "rejected", "failed"]),
            ],
        ),
        zero("db_errors_total", &[("kind", ERRORS)]),
    ]
}

fn subjects() -> Vec<Family> {
    let steps = [
        ("placed", "paid"),
        ("paid", "shipped"),
        ("shipped", "delivered"),
        ("placed", "cancelled"),
        ("paid", "cancelled"),
    ];
    let attempts = ["throttled", "overloaded", "failed", "abandoned"];
    let outcomes = |own: &[&'static str]| [own, &attempts].concat();
    vec![
        zero(
            "orders_created_total",
            &[(
                "product_type",
                &["physical", "digital", "service", "subscription", "mixed"],
            )],
        ),
        zero(
            "order_creation_duration_seconds_count",
            &[("outcome", &["created", "replayed", "rejected", "failed"])],
        ),
        zero(
            "orders_rejected_total",
            &[(
                "reason",
                &[
                    "out_of_stock",
                    "unknown_product",
                    "duplicate_product",
                    "total_overflow",
                    "invalid",
                    "key_reuse",
                    "in_progress",
                ],
            )],
        ),
        Family {
            name: "order_transitions_total",
            series: steps
                .iter()
                .map(|(from, to)| labels(&[("from", from), ("to", to)]))
                .collect(),
            at_zero: true,
        },
        zero(
            "idempotent_requests_total",
            &[("outcome", &["new", "replayed", "in_progress", "reused"])],
        ),
        zero(
            "logins_total",
            &[("outcome", &outcomes(&["success", "invalid_credentials"]))],
        ),
        zero(
            "registrations_total",
            &[("outcome", &outcomes(&["created", "email_taken"]))],
        ),
        zero(
            "token_refreshes_total",
            &[(
                "outcome",
                &["refreshed", "reused", "rejected", "failed", "abandoned"],
            )],
        ),
    ]
}

fn zero(name: &'static str, sets: &[(&str, &[&str])]) -> Family {
    Family {
        name,
        series: product(sets),
        at_zero: true,
    }
}

/// What may have moved by the time of the first scrape.
fn moving(name: &'static str, sets: &[(&str, &[&str])]) -> Family {
    Family {
        at_zero: false,
        ..zero(name, sets)
    }
}

/// Every combination of the labels' values.
fn product(sets: &[(&str, &[&str])]) -> Vec<Labels> {
    let mut all = vec![Labels::new()];
    for (name, values) in sets {
        let with = |one: Labels| {
            values.iter().map(move |value| {
                let mut one = one.clone();
                one.insert((*name).to_owned(), (*value).to_owned());
                one
            })
        };
        all = all.into_iter().flat_map(with).collect();
    }
    all
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

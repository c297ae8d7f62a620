//! The problems that the machinery itself can answer with. Each subject declares its own beside its rules.

use super::ProblemType;

/// Every problem of this room, for `/problems/{code}`.
pub const PROBLEMS: &[&ProblemType] = &[
    &MALFORMED_REQUEST,
    &INVALID_PARAMETER,
    &UNAUTHENTICATED,
    &FORBIDDEN,
    &NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &REQUEST_TIMEOUT,
    &BODY_TOO_LARGE,
    &HEAD_TOO_LARGE,
    &UNSUPPORTED_MEDIA_TYPE,
    &INVALID_BODY,
    &RATE_LIMITED,
    &INTERNAL_ERROR,
    &DATABASE_UNAVAILABLE,
    &DATABASE_READ_ONLY,
    &OVERLOADED,
    &DEADLINE_EXCEEDED,
    &NOT_READY,
    &CONFLICTING_WRITES,
];

/// 400: not HTTP or not JSON.
pub const MALFORMED_REQUEST: ProblemType = ProblemType {
    code: "malformed_request",
    status: 400,
    title: "The request is malformed",
    meaning: "The request could not be read: its body is not JSON, a header has a form that it must not have, or it is no HTTP/1.1 of which everybody would see the same end.",
    remedy: "Send UTF-8 JSON that parses, and headers of the form that the API reference names. Repeating the request as it is will fail again.",
};

/// 400: a path or query parameter.
pub const INVALID_PARAMETER: ProblemType = ProblemType {
    code: "invalid_parameter",
    status: 400,
    title: "A parameter is invalid",
    meaning: "A parameter in the path or in the query string has a value that it cannot have.",
    remedy: "Look at `errors`: it names each parameter and says what it may be. A cursor is only good as it was given out.",
};

/// 401.
pub const UNAUTHENTICATED: ProblemType = ProblemType {
    code: "unauthenticated",
    status: 401,
    title: "Authentication is required",
    meaning: "The route needs an access token, and the request carries none that is valid: it is missing, expired, or not one of ours.",
    remedy: "Log in with POST /api/v1/sessions, or refresh with POST /api/v1/sessions/refresh, and send the access token as `Authorization: Bearer …`.",
};

/// 403.
pub const FORBIDDEN: ProblemType = ProblemType {
    code: "forbidden",
    status: 403,
    title: "This account may not do that",
    meaning: "The access token is valid, but the route is for operators.",
    remedy: "Use an operator's account. An operator is made with `glasshouse account create --role operator`.",
};

/// 404.
pub const NOT_FOUND: ProblemType = ProblemType {
    code: "not_found",
    status: 404,
    title: "There is nothing here",
    meaning: "The path, or the object that it names, does not exist, or is not for this account to see.",
    remedy: "Check the path against the API reference at /docs, and the id against the answer that it came from.",
};

/// 405.
pub const METHOD_NOT_ALLOWED: ProblemType = ProblemType {
    code: "method_not_allowed",
    status: 405,
    title: "The method is not allowed here",
    meaning: "The path exists, but not for this method.",
    remedy: "Use one of the methods in the `Allow` header.",
};

/// 408.
pub const REQUEST_TIMEOUT: ProblemType = ProblemType {
    code: "request_timeout",
    status: 408,
    title: "The request came too slowly",
    meaning: "The body was not complete within the time allowed for it (server.body_timeout), or came too slowly (server.body_min_rate).",
    remedy: "Send the request again over a better connection.",
};

/// 413.
pub const BODY_TOO_LARGE: ProblemType = ProblemType {
    code: "body_too_large",
    status: 413,
    title: "The body is too large",
    meaning: "The body is larger than the service takes (server.body_limit, 64 KiB unless set).",
    remedy: "Send less in one request; an order may be split.",
};

/// 431.
pub const HEAD_TOO_LARGE: ProblemType = ProblemType {
    code: "head_too_large",
    status: 431,
    title: "The head is too large",
    meaning: "The request has more header fields, or more bytes before its body, than the service takes (96 fields, 32 KiB).",
    remedy: "Send fewer or shorter headers; cookies of other services on the same host are a common cause.",
};

/// 415.
pub const UNSUPPORTED_MEDIA_TYPE: ProblemType = ProblemType {
    code: "unsupported_media_type",
    status: 415,
    title: "The body must be JSON",
    meaning: "The body is not declared as application/json, or is in an encoding or compression that the service does not read.",
    remedy: "Send `Content-Type: application/json`, in UTF-8 and uncompressed.",
};

/// 422.
pub const INVALID_BODY: ProblemType = ProblemType {
    code: "invalid_body",
    status: 422,
    title: "The body breaks a rule",
    meaning: "The body is JSON, but a field is missing, unknown, of the wrong type, or has a value that it cannot have.",
    remedy: "Look at `errors`: it names each field and says what is wrong with it. Repeating the request as it is will fail again.",
};

/// 429.
pub const RATE_LIMITED: ProblemType = ProblemType {
    code: "rate_limited",
    status: 429,
    title: "Too many requests",
    meaning: "More requests of this kind came from this account or address than the service allows. Nothing was done.",
    remedy: "Wait for the seconds in `Retry-After`. The policy is in the `RateLimit-Policy` header.",
};

/// 500.
pub const INTERNAL_ERROR: ProblemType = ProblemType {
    code: "internal_error",
    status: 500,
    title: "The service made a mistake",
    meaning: "Something happened that the service was not made for. It has been logged with this request's id.",
    remedy: "Try again once; with an Idempotency-Key that is safe for orders too. If it stays, report the request id.",
};

/// 503: no database.
pub const DATABASE_UNAVAILABLE: ProblemType = ProblemType {
    code: "database_unavailable",
    status: 503,
    title: "The database does not answer",
    meaning: "The database cannot be reached, or did not answer in time. For a write it is unknown only whether its very last step was done.",
    remedy: "Try again after the seconds in `Retry-After`. Send orders with an Idempotency-Key: then a repetition can never place a second one.",
};

/// 503: reads only.
pub const DATABASE_READ_ONLY: ProblemType = ProblemType {
    code: "database_read_only",
    status: 503,
    title: "The database takes no writes",
    meaning: "The database can be read but not written: it is a standby, its disk is full, or it was switched to read-only. Nothing was done.",
    remedy: "Try again after the seconds in `Retry-After`. Reading goes on working.",
};

/// 503: more than can be carried.
pub const OVERLOADED: ProblemType = ProblemType {
    code: "overloaded",
    status: 503,
    title: "The service has more to do than it can",
    meaning: "The request was turned away before anything was done for it, so that those already accepted are answered in time.",
    remedy: "Try again after the seconds in `Retry-After`, and wait longer after each further refusal.",
};

/// 503: the request's deadline.
pub const DEADLINE_EXCEEDED: ProblemType = ProblemType {
    code: "deadline_exceeded",
    status: 503,
    title: "The request took too long",
    meaning: "The request was not done within the time that the service allows for one (server.request_timeout).",
    remedy: "Try again after the seconds in `Retry-After`. Send orders with an Idempotency-Key: then a repetition can never place a second one.",
};

/// 503: not migrated yet.
pub const NOT_READY: ProblemType = ProblemType {
    code: "not_ready",
    status: 503,
    title: "The service is not ready yet",
    meaning: "The service is running, but its database has not been migrated to the version that it needs.",
    remedy: "Try again after the seconds in `Retry-After`. Whoever runs it: see GET /health/ready, and run `glasshouse migrate run`.",
};

/// 503: three lost races.
pub const CONFLICTING_WRITES: ProblemType = ProblemType {
    code: "conflicting_writes",
    status: 503,
    title: "Too many writes to the same thing",
    meaning: "Several requests changed the same rows at the same time, and this one lost several times in a row. Nothing was done.",
    remedy: "Try again after the seconds in `Retry-After`.",
};

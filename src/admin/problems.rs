//! The problems that only this listener answers with. For those that are common to both, see
//! `http::problem::kinds`.

use super::guard::Refusal;
use crate::http::problem::{Problem, ProblemType};
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};

/// Every problem of this room, for `/problems/{code}`.
pub const PROBLEMS: &[&ProblemType] = &[
    &ADMIN_TOKEN_REQUIRED,
    &ADMIN_LOOPBACK_ONLY,
    &ADMIN_HOST_UNKNOWN,
    &ADMIN_ORIGIN_FOREIGN,
];

/// 401: a token is set and was not shown.
pub const ADMIN_TOKEN_REQUIRED: ProblemType = ProblemType {
    code: "admin_token_required",
    status: 401,
    title: "The admin token is required",
    meaning: "This instance has an admin token (admin.token), and the request does not show it.",
    remedy: "Send it as `Authorization: Bearer …`, or as the password of HTTP Basic with any user name; a browser asks for it.",
};

/// 403: no token is set and the peer is elsewhere.
pub const ADMIN_LOOPBACK_ONLY: ProblemType = ProblemType {
    code: "admin_loopback_only",
    status: 403,
    title: "Only from this machine",
    meaning: "This instance has no admin token, so that its guarded routes are open to the machine that it runs on and to nobody else.",
    remedy: "Ask from that machine (through a port forward, for instance), or set admin.token and show it.",
};

/// 421: another name than this listener's.
pub const ADMIN_HOST_UNKNOWN: ProblemType = ProblemType {
    code: "admin_host_unknown",
    status: 421,
    title: "This listener does not answer to that name",
    meaning: "The `Host` of the request is no IP address, not localhost and not in admin.allowed_hosts. Otherwise a page of a stranger could reach this listener through a browser, by a name that resolves to this machine.",
    remedy: "Use the address, or put the name into admin.allowed_hosts.",
};

/// 403: a page of somebody else.
pub const ADMIN_ORIGIN_FOREIGN: ProblemType = ProblemType {
    code: "admin_origin_foreign",
    status: 403,
    title: "The request comes from a foreign page",
    meaning: "The request would change something, and its `Origin` is a page that this listener did not serve.",
    remedy: "Send it from this listener's own page, or from a program that sends no `Origin`.",
};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Host => Self::new(&ADMIN_HOST_UNKNOWN),
            Refusal::Peer => Self::new(&ADMIN_LOOPBACK_ONLY),
            Refusal::Origin => Self::new(&ADMIN_ORIGIN_FOREIGN),
            Refusal::Token => Self::new(&ADMIN_TOKEN_REQUIRED).header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(r#"Basic realm="glasshouse admin", charset="UTF-8""#),
            ),
        }
    }
}

//! The few pages that the service shows a browser: one frame, one style, no script, nothing from elsewhere.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, VARY,
};

/// Nothing but the page's own style, which is named by its hash-free `style-src` because it is inline.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.55 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1.25rem}\
h1{font-size:1.6rem;margin-bottom:.25rem}h2{font-size:1.05rem;margin-top:1.75rem}\
code{font:.92em ui-monospace,monospace;padding:.1em .3em;border-radius:.25em;background:color-mix(in srgb,currentColor 9%,transparent)}\
a{color:LinkText}.note{opacity:.72;margin-top:0}\
dt{margin-top:.8rem;font-weight:600}dd{margin:0}";

/// Whether the client would rather have HTML: browsers name it, programs do not.
pub fn wanted(accept: Option<&HeaderValue>) -> bool {
    accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| {
            accept.split(',').any(|range| {
                let mut parts = range.split(';').map(str::trim);
                let named = parts
                    .next()
                    .is_some_and(|media| media.eq_ignore_ascii_case("text/html"));
                // `q=0` says that it is not wanted.
                let refused = |part: &str| {
                    part.split_once('=').is_some_and(|(name, value)| {
                        name.trim().eq_ignore_ascii_case("q")
                            && value
                                .trim()
                                .parse::<f32>()
                                .is_ok_and(|weight| weight <= 0.0)
                    })
                };
                named && !parts.any(refused)
            })
        })
}

/// The header of an answer that comes as HTML or as JSON, whichever is [`wanted`]: a cache must not give one for the other.
pub const NEGOTIATED: (HeaderName, HeaderValue) = (VARY, HeaderValue::from_static("accept"));

/// A whole page. `body` is HTML already: escape what goes into it.
pub fn page(title: &str, body: &str) -> HttpResponse {
    let title = escape(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title} · Glasshouse</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(NEGOTIATED)
        .body(html)
}

/// Text that is safe between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Escaped text in which `…` between back-ticks is code.
pub fn prose(text: &str) -> String {
    let mut out = String::new();
    for (place, part) in escape(text).split('`').enumerate() {
        let _ = if place % 2 == 1 {
            write!(out, "<code>{part}</code>")
        } else {
            out.write_str(part)
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_into_markup() {
        assert_eq!(
            escape("<a href=\"x\">&'"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"
        );
        assert_eq!(prose("say `<b>` twice"), "say <code>&lt;b&gt;</code> twice");
    }

    #[test]
    fn only_who_names_html_gets_it() {
        assert!(wanted(Some(&HeaderValue::from_static(
            "text/html,application/xhtml+xml,*/*;q=0.8"
        ))));
        for program in ["*/*", "application/json, text/html;q=0", "text/htmlx"] {
            assert!(
                !wanted(Some(&HeaderValue::from_static(program))),
                "{program}"
            );
        }
        assert!(!wanted(None));
    }
}

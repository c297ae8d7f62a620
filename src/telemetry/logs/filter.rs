//! Reads a log filter, in the grammar of `RUST_LOG`.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::LogError;

/// Target of the lines that a change of the service's own behaviour leaves behind. They pass every
/// filter at INFO and above: who silences the log still leaves a trace of having done so.
pub const AUDIT_TARGET: &str = "glasshouse::audit";

/// Targets of the framework that say more than anybody asked for, and the level from which they are heard. The server tells
/// at INFO of each worker that starts or stops; the dispatcher tells at ERROR of each client that sends what is no HTTP,
/// which any port scan does. Who wants them names them, or asks for DEBUG.
const CHATTY: [(&str, &str); 2] = [
    ("actix_server", "warn"),
    ("actix_http::h1::dispatcher", "off"),
];

/// Targets of the framework that repeat what clients send: paths, and the values of headers. They are not heard whatever is
/// asked for, because the log promises to hold no secrets at TRACE either.
const INDISCREET: [&str; 2] = ["actix_web::types", "actix_http::h1::decoder"];

/// Reads a filter that was configured.
pub(super) fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    let wrong = |source| LogError::Filter {
        filter: filter.to_owned(),
        source,
    };
    if filter.trim().is_empty() {
        return Err(LogError::EmptyFilter);
    }
    let audit = format!("{AUDIT_TARGET}=info").parse().map_err(wrong)?;
    // Without regular expressions: values of span fields are compared as they stand.
    let parsed = EnvFilter::builder()
        .with_regex(false)
        .parse(filter)
        .map_err(wrong)?;
    let mut parsed = parsed.add_directive(audit);
    for (target, level) in CHATTY {
        if says_info(filter) && !filter.contains(target) {
            parsed = parsed.add_directive(format!("{target}={level}").parse().map_err(wrong)?);
        }
    }
    for target in INDISCREET {
        parsed = parsed.add_directive(format!("{target}=off").parse().map_err(wrong)?);
    }
    Ok(parsed)
}

/// Whether INFO is what is asked for in general.
fn says_info(filter: &str) -> bool {
    filter
        .split(',')
        .any(|word| word.trim().eq_ignore_ascii_case("info"))
}

/// Reads a filter that somebody typed just now, and so refuses what is most likely a slip.
pub(super) fn parse_typed(filter: &str) -> Result<EnvFilter, LogError> {
    for word in filter.split(',').map(str::trim) {
        let bare = !word.is_empty() && !word.contains(['=', ':', '[']);
        if bare && word.parse::<LevelFilter>().is_err() {
            return Err(LogError::UnknownLevel(word.to_owned()));
        }
    }
    parse(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chatter_of_the_server_is_left_out_unless_asked_for() {
        let directives = |filter| parse(filter).unwrap().to_string();
        assert!(directives("info").contains("actix_server=warn"));
        assert!(directives("glasshouse=debug,INFO").contains("actix_server=warn"));
        for filter in ["debug", "error", "info,actix_server=info"] {
            assert!(
                !directives(filter).contains("actix_server=warn"),
                "{filter}"
            );
        }
    }

    #[test]
    fn levels_and_targets_are_read() {
        for filter in [
            "info",
            "OFF",
            "warn,glasshouse::orders=debug",
            "hyper=trace",
            "[span{a=1}]=info",
        ] {
            assert!(
                parse(filter).is_ok() && parse_typed(filter).is_ok(),
                "{filter}"
            );
        }
    }

    #[test]
    fn a_malformed_filter_is_refused() {
        for filter in ["", "  ", "glasshouse=loud", "a=b=c", "[span"] {
            assert!(parse_typed(filter).is_err(), "{filter}");
        }
    }

    #[test]
    fn a_misspelt_level_is_refused_where_it_is_typed() {
        for filter in ["inof", "info,debgu", "hyper"] {
            assert!(
                matches!(parse_typed(filter), Err(LogError::UnknownLevel(_))),
                "{filter}"
            );
        }
    }
}

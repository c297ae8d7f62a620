//! The nearest known name for an unknown one, so that a slip of the finger costs a minute and not an hour.

/// Below this likeness a suggestion would only mislead.
const LIKE_ENOUGH: f64 = 0.7;

/// The known name that `name` was probably meant to be. `separator` stands between the parts of a name.
pub(super) fn nearest<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
    separator: &str,
) -> Option<&'a str> {
    let mut best = None;
    for candidate in known {
        let likeness = likeness(name, candidate, separator);
        // The first of equals stays: sections are in order of importance.
        if likeness >= LIKE_ENOUGH && best.is_none_or(|(_, most)| likeness > most) {
            best = Some((candidate, likeness));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// 0 to 1. A name that lacks its section, or has the wrong one, is still like the right one.
fn likeness(name: &str, candidate: &str, separator: &str) -> f64 {
    let (name, candidate) = (name.to_lowercase(), candidate.to_lowercase());
    let whole = strsim::normalized_damerau_levenshtein(&name, &candidate);
    let last = |text: &str| text.rsplit(separator).next().unwrap_or_default().to_owned();
    let ends = strsim::normalized_damerau_levenshtein(&last(&name), &last(&candidate));
    whole.max(0.9 * ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = [
        "server.port",
        "server.request_timeout",
        "admin.port",
        "admin.token",
        "auth.jwt_secret",
    ];

    #[test]
    fn slips_of_the_finger_find_their_way() {
        let cases = [
            ("servr.port", "server.port"),
            ("server.request_timout", "server.request_timeout"),
            ("server.requestTimeout", "server.request_timeout"),
            ("port", "server.port"),
            ("admin.prot", "admin.port"),
            ("security.jwt_secret", "auth.jwt_secret"),
        ];
        for (name, expected) in cases {
            assert_eq!(
                nearest(name, KEYS.into_iter(), "."),
                Some(expected),
                "{name}"
            );
        }
        let variables = ["SERVER__PORT", "AUTH__JWT_SECRET", "AUTH__JWT_SECRET_FILE"];
        assert_eq!(
            nearest("SERVER_PORT", variables.into_iter(), "__"),
            Some("SERVER__PORT")
        );
        assert_eq!(
            nearest("JWT_SECRET", variables.into_iter(), "__"),
            Some("AUTH__JWT_SECRET")
        );
    }

    #[test]
    fn what_is_like_nothing_gets_no_suggestion() {
        for name in ["colour", "x", "", "kafka.brokers"] {
            assert_eq!(nearest(name, KEYS.into_iter(), "."), None, "{name}");
        }
    }
}

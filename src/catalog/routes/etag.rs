//! The entity tag of a representation, and whether a client has that already: RFC 9110 sections 8.8.3 and 13.1.2.
//!
//! The tag is made from the bytes of the body alone, so it is strong, and every replica gives the same one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Bytes of the digest that are kept: 128 bits, at which no two versions of one product are ever alike by chance.
const DIGEST_LENGTH: usize = 16;

/// A strong entity tag, in its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntityTag(String);

impl EntityTag {
    /// The tag of a body.
    pub(super) fn of(body: &[u8]) -> Self {
        let digest = Sha256::digest(body);
        let kept = digest.get(..DIGEST_LENGTH).unwrap_or(&digest);
        Self(format!("\"{}\"", URL_SAFE_NO_PAD.encode(kept)))
    }

    /// As the `ETag` header holds it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the lines of an `If-None-Match` header name it: by `*`, or in a list, where a weak tag counts like a
    /// strong one. What is no list of tags names nothing: then the client gets the body, which is never wrong.
    pub(super) fn is_named_in<'a>(&self, lines: impl IntoIterator<Item = &'a [u8]>) -> bool {
        lines.into_iter().any(|line| {
            let line = line.trim_ascii();
            line == b"*" || self.is_listed_in(line)
        })
    }

    fn is_listed_in(&self, list: &[u8]) -> bool {
        let mut rest = list;
        while let Some((tag, after)) = next_tag(rest) {
            if tag == self.0.as_bytes() {
                return true;
            }
            rest = after;
        }
        false
    }
}

/// The first tag of a list without its weakness, and what follows the comma after it. Commas cannot be searched for:
/// a tag may hold some. `None` at the end of the list, or at what is no tag.
fn next_tag(list: &[u8]) -> Option<(&[u8], &[u8])> {
    // Empty elements are allowed (section 5.6.1.2).
    let start = list.iter().position(|byte| !b" \t,".contains(byte))?;
    let (_, element) = list.split_at(start);
    let opaque = element.strip_prefix(b"W/").unwrap_or(element);
    let inner = opaque.strip_prefix(b"\"")?;
    let length = inner.iter().position(|&byte| byte == b'"')?;
    let (tag, after) = opaque.split_at_checked(length + 2)?;
    match after.trim_ascii_start() {
        [] => Some((tag, &[])),
        [b',', next @ ..] => Some((tag, next)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag() -> EntityTag {
        EntityTag("\"abc\"".to_owned())
    }

    #[test]
    fn a_tag_is_quoted_and_changes_with_every_byte() {
        let tag = EntityTag::of(b"{}");
        assert_eq!(tag.as_str(), "\"RBNvo1WzZ4oRRq0W9-hkng\"");
        assert_eq!(tag, EntityTag::of(b"{}"));
        assert_ne!(tag, EntityTag::of(b"{ }"));
    }

    #[test]
    fn a_client_that_has_it_is_recognised() {
        for line in [
            "*",
            " * ",
            "\"abc\"",
            "W/\"abc\"",
            "  \"abc\"\t",
            "\"x\", \"abc\"",
            "\"x\",\"abc\",\"y\"",
            "W/\"x\" , W/\"abc\"",
            ", ,\"abc\"",
            "\"a,b\", \"abc\"",
            "\"\", \"abc\"",
            "\"ü\", \"abc\"",
        ] {
            assert!(tag().is_named_in([line.as_bytes()]), "{line:?}");
        }
    }

    #[test]
    fn whoever_has_another_one_or_sends_garbage_gets_the_body() {
        for line in [
            "",
            ",",
            "abc",
            "\"abc",
            "abc\"",
            "\"ABC\"",
            "\"abc \"",
            "w/\"abc\"",
            "W/ \"abc\"",
            "W/abc",
            "'abc'",
            "\"abc\"x",
            "\"abc\" \"x\"",
            "\"x\" \"abc\"",
            "\"x,\"abc\"",
            "\"x\", *",
            "**",
            "\"x,abc,y\"",
        ] {
            assert!(!tag().is_named_in([line.as_bytes()]), "{line:?}");
        }
        assert!(!tag().is_named_in([]));
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines: [&[u8]; 3] = [b"\"x\"", b"garbage", b"\"y\", W/\"abc\""];
        assert!(tag().is_named_in(lines));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            let found = tag().is_named_in([line.as_slice()]);
            let holds_it = line.windows(5).any(|part| part == b"\"abc\"");
            prop_assert!(!found || holds_it || line.trim_ascii() == b"*");
        }

        #[test]
        fn a_tag_is_found_wherever_it_stands_in_a_list(body in ".{0,40}", before in "[!#-+\\--~]{0,9}", weak: bool) {
            let tag = EntityTag::of(body.as_bytes());
            let weakness = if weak { "W/" } else { "" };
            let line = format!("\"{before}\", {weakness}{}, \"z\"", tag.as_str());
            prop_assert!(tag.is_named_in([line.as_bytes()]));
        }
    }
}

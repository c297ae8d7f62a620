//! The name of a request: the client's own, when it is well-formed, or a fresh UUIDv7.
//!
//! Kept inline, because each request makes one. It is not a secret and not a proof of anything.

use std::fmt;
use std::time::UNIX_EPOCH;

use uuid::{Builder, Uuid};

/// Longest id taken from a client, in bytes.
const CAPACITY: usize = 64;

/// 1 to 64 characters of `[A-Za-z0-9._-]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    bytes: [u8; CAPACITY],
    length: u8,
}

impl RequestId {
    /// Where requests have no name.
    pub(super) const NONE: Self = Self {
        bytes: [b'-'; CAPACITY],
        length: 1,
    };

    /// Takes a client's id, if it is well-formed. Anything else could forge log lines.
    pub fn parse(id: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if id.is_empty() || !id.bytes().all(allowed) {
            return None;
        }
        let mut bytes = [0; CAPACITY];
        bytes.get_mut(..id.len())?.copy_from_slice(id.as_bytes());
        Some(Self {
            bytes,
            length: u8::try_from(id.len()).ok()?,
        })
    }

    /// A fresh UUIDv7: sorts by time. Random bits come from a fast generator and not from the
    /// kernel, which would cost a system call on each request.
    pub fn generate() -> Self {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default();
        let millis = u64::try_from(now.as_millis()).unwrap_or_default();
        let mut random = [0; 10];
        fastrand::fill(&mut random);
        Self::from(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        // Only ASCII was let in, so this is never the default.
        str::from_utf8(self.bytes.get(..self.length.into()).unwrap_or_default()).unwrap_or_default()
    }
}

impl From<Uuid> for RequestId {
    fn from(id: Uuid) -> Self {
        let mut bytes = [0; CAPACITY];
        let length = id.hyphenated().encode_lower(&mut bytes).len();
        Self {
            bytes,
            length: u8::try_from(length).unwrap_or_default(),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_id_is_taken_as_it_is() {
        let longest = "x".repeat(64);
        for id in [
            "a",
            "Az09._-",
            "0190c1f2-8a3e-7bcd-9e01-5a2b3c4d5e6f",
            longest.as_str(),
        ] {
            assert_eq!(RequestId::parse(id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn a_malformed_id_is_refused() {
        let too_long = "x".repeat(65);
        for id in [
            "",
            " ",
            "a b",
            "a\n",
            "a\"",
            "ä",
            "a/b",
            "{}",
            "\u{0}",
            too_long.as_str(),
        ] {
            assert!(RequestId::parse(id).is_none(), "{id:?}");
        }
    }

    #[test]
    fn a_generated_id_is_a_fresh_uuid_of_version_7() {
        let (a, b) = (RequestId::generate(), RequestId::generate());
        assert_ne!(a, b);
        let uuid = Uuid::parse_str(a.as_str()).unwrap();
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(RequestId::from(uuid), a);
        let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
        let (made, _) = uuid.get_timestamp().unwrap().to_unix();
        assert!(now - made <= 1);
    }
}

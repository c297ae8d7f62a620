//! Refresh tokens: how they are made, read and told apart. Their life in the database is the store's.
//!
//! A token is 32 random bytes, shown as 43 characters of base64url. Only its SHA-256 is kept: with that much entropy a
//! plain hash is enough, and whoever reads the database cannot log in with it.
//!
//! **Rotation.** A token is good once: using it gives its successor, and marks it as used. All successors of one log-in
//! are a family. A used token that comes back means that two parties hold the family, one of them a thief, and nobody
//! can tell which: the whole family is revoked, and both must log in again (RFC 9700 section 4.14.2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

const TOKEN_BYTES: usize = 32;

/// Length of a token as text.
pub const TOKEN_LENGTH: usize = 43;

/// A refresh token, as its owner holds it.
#[derive(Debug, Clone)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// Makes a new one from the operating system's random source.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// Takes a token as sent. `None` when it cannot be one of ours, whatever the database holds.
    pub fn parse(token: SecretString) -> Option<Self> {
        let text = token.expose_secret();
        // The decoder refuses trailing bits that are not zero: a token has one spelling.
        let is_valid = text.len() == TOKEN_LENGTH && URL_SAFE_NO_PAD.decode(text).is_ok();
        is_valid.then_some(Self(token))
    }

    /// What the database knows the token by.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.expose_secret()).into())
    }

    /// Gives the text to whoever answers its owner.
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

/// SHA-256 of a refresh token's text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_43_characters_that_read_back_to_the_same_digest() {
        let token = RefreshToken::generate().unwrap();
        let text = token.clone().into_secret();
        assert_eq!(text.expose_secret().len(), TOKEN_LENGTH);
        assert!(
            text.expose_secret()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_eq!(RefreshToken::parse(text).unwrap().digest(), token.digest());
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let tokens: std::collections::HashSet<_> = (0..1000)
            .map(|_| {
                RefreshToken::generate()
                    .unwrap()
                    .into_secret()
                    .expose_secret()
                    .to_owned()
            })
            .collect();
        assert_eq!(tokens.len(), 1000);
    }

    #[test]
    fn the_digest_is_sha_256_of_the_text() {
        let token = RefreshToken::parse("A".repeat(43).into()).unwrap();
        let digest = token.digest();
        let hex = digest
            .as_bytes()
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(
            hex,
            "0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a"
        );
    }

    #[test]
    fn what_cannot_be_a_token_is_told_without_the_database() {
        let padded = format!("{}=", "A".repeat(42));
        let bits_beyond = format!("{}B", "A".repeat(42));
        for text in [
            "",
            "A",
            &"A".repeat(42),
            &"A".repeat(44),
            &padded,
            &bits_beyond,
            &"+".repeat(43),
            &"é".repeat(21),
        ] {
            assert!(
                RefreshToken::parse((*text).to_owned().into()).is_none(),
                "{text}"
            );
        }
    }

    #[test]
    fn neither_token_nor_digest_can_be_printed() {
        let token = RefreshToken::parse("A".repeat(43).into()).unwrap();
        let printed = format!("{token:?} {:?}", token.digest());
        assert!(
            !printed.contains("AAA") && !printed.contains("0f00") && !printed.contains("15, 0"),
            "{printed}"
        );
    }
}

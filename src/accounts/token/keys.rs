//! The keys of access tokens: one signs, two verify, and both can be replaced while requests are served.
//!
//! A key is named in a token's header by a digest of itself, so replicas that share a secret share the name, and nobody
//! has to configure one. A name that is not among ours ends the matter: no key is ever fetched or taken from a token.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::TokenError;
use super::hs256;

/// Bytes of an ephemeral secret: as many as SHA-256 puts out (RFC 7518 section 3.2).
const EPHEMERAL_BYTES: usize = 32;

/// Keeps the digest that names a key apart from any other use of SHA-256 on the same secret.
const ID_DOMAIN: &[u8] = b"glasshouse access token key id\0";

/// How much of the digest makes a key's name: enough to tell keys apart, and no more is given away.
const ID_BYTES: usize = 8;

/// The keys now in use.
pub struct TokenKeys(RwLock<Arc<KeyRing>>);

impl TokenKeys {
    /// Keys of these secrets: `current` signs and verifies, `previous` verifies.
    pub fn new(current: &SecretString, previous: Option<&SecretString>) -> Self {
        hs256::install();
        Self(RwLock::new(Arc::new(KeyRing::new(current, previous))))
    }

    /// Keys of a random secret that dies with the process, and every token with it.
    pub fn ephemeral(previous: Option<&SecretString>) -> Result<Self, TokenError> {
        let mut bytes = [0_u8; EPHEMERAL_BYTES];
        getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
        Ok(Self::new(
            &SecretString::from(URL_SAFE_NO_PAD.encode(bytes)),
            previous,
        ))
    }

    /// Puts other keys in their place. Requests already being checked finish with the old ones; a token of a key that
    /// is neither `current` nor `previous` any more is refused from now on.
    pub fn replace(&self, current: &SecretString, previous: Option<&SecretString>) {
        let ring = Arc::new(KeyRing::new(current, previous));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// The ring of this moment.
    pub(super) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKeys(..)")
    }
}

/// A key that signs, and one more that verifies.
pub(super) struct KeyRing {
    pub(super) current: Key,
    previous: Option<Key>,
}

impl KeyRing {
    fn new(current: &SecretString, previous: Option<&SecretString>) -> Self {
        Self {
            current: Key::new(current),
            previous: previous.map(Key::new),
        }
    }

    /// The key of that name.
    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == id)
    }
}

/// One secret, ready for use.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
}

impl Key {
    fn new(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let digest = Sha256::new()
            .chain_update(ID_DOMAIN)
            .chain_update(secret)
            .finalize();
        let (id, _rest) = digest.split_at(ID_BYTES);
        Self {
            id: id
                .iter()
                .fold(String::new(), |id, byte| id + &format!("{byte:02x}")),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }
}

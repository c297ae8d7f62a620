//! HMAC with SHA-256 for `jsonwebtoken`, and no other algorithm.
//!
//! The library's own `rust_crypto` feature brings RSA and elliptic curves along, one of them with an open advisory
//! (RUSTSEC-2023-0071). With this provider there is no code in the binary by which a token could ask for another
//! algorithm, or for none.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{self, Signer, Verifier};
use sha2::Sha256;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?)),
    verifier_factory: |algorithm, key| {
        Ok(Box::new(Hs256::new(*algorithm, key.try_get_as_bytes()?)?))
    },
    // They serve keys in JWK form alone, which are never asked for.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes this the provider of the process. Good to call more than once, and from many threads.
pub(super) fn install() {
    // The error says that a provider stands already: this one, since no feature of the library brings another.
    let _already_installed = PROVIDER.install_default();
}

/// The keyed state. It is cloned for each message.
struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self> {
        if algorithm != Algorithm::HS256 {
            return Err(ErrorKind::UnsupportedAlgorithm.into());
        }
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }

    fn digest_of(&self, message: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(message)
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.digest_of(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    /// Compares in constant time, and the whole length: a shortened signature does not pass.
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), signature::Error> {
        self.digest_of(message)
            .verify_slice(signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, EncodingKey};

    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let hs256 = Hs256::new(Algorithm::HS256, b"Jefe").unwrap();
        let signature = hs256.try_sign(b"what do ya want for nothing?").unwrap();
        let hex = signature
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(
            hs256
                .verify(b"what do ya want for nothing?", &signature)
                .is_ok()
        );
        assert!(
            hs256
                .verify(b"what do ya want for nothing!", &signature)
                .is_err()
        );
    }

    #[test]
    fn a_shortened_or_empty_signature_does_not_pass() {
        let hs256 = Hs256::new(Algorithm::HS256, b"key").unwrap();
        let signature = hs256.try_sign(b"message").unwrap();
        for length in 0..signature.len() {
            assert!(
                hs256
                    .verify(b"message", &signature[..length].to_vec())
                    .is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn no_other_algorithm_has_a_provider() {
        use Algorithm::{ES256, EdDSA, HS384, HS512, RS256};
        for algorithm in [HS384, HS512, RS256, ES256, EdDSA] {
            let key = EncodingKey::from_secret(b"key");
            assert!((PROVIDER.signer_factory)(&algorithm, &key).is_err());
            let key = DecodingKey::from_secret(b"key");
            assert!((PROVIDER.verifier_factory)(&algorithm, &key).is_err());
        }
    }
}

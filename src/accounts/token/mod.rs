//! Access tokens: signed statements of who somebody is, good for minutes and checked without the database.
//!
//! A token is a JWT by the profile of RFC 9068, signed with HS256 and nothing else. It is checked by our own rules
//! (RFC 8725): its header chooses among our keys and chooses nothing more. The one rule: whatever is wrong with a token,
//! its bearer is told that it is invalid, and nothing of it is logged.

mod hs256;
mod keys;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use keys::TokenKeys;

use super::model::Role;

/// The media type of RFC 9068: a token made for another purpose with the same key is no access token.
const TYPE: &str = "at+jwt";

/// Longest token that is looked at. Ours have about 450 bytes.
const MAX_LENGTH: usize = 4 * 1024;

/// How far the clocks of two replicas may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// Why a token cannot be made or is refused. Without the library's errors: their texts repeat parts of the token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Not a token by form, or longer than any of ours.
    #[error("the access token is malformed")]
    Malformed,
    /// Its header names another type, another algorithm, or asks for what this service does not do.
    #[error("the header of the access token is not one of ours")]
    Header,
    /// No key of ours has the name in its header.
    #[error("the access token is signed by an unknown key")]
    Key,
    /// The signature does not match.
    #[error("the signature of the access token is wrong")]
    Signature,
    /// It was good once.
    #[error("the access token has expired")]
    Expired,
    /// It will be good, by its own account.
    #[error("the access token is not good yet")]
    Early,
    /// A claim is missing, of the wrong type, or not for this service.
    #[error("the claims of the access token are not ours")]
    Claims,
    /// A token could not be made. A fault of this program.
    #[error("an access token could not be signed")]
    Signing,
    /// The operating system gave no random bytes.
    #[error("no random bytes could be had")]
    Random(#[source] getrandom::Error),
}

impl From<jsonwebtoken::errors::Error> for TokenError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Self::Header,
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::Early,
            ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_)
            | ErrorKind::InvalidIssuer
            | ErrorKind::InvalidAudience => Self::Claims,
            _ => Self::Malformed,
        }
    }
}

/// Who the bearer of a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: Uuid,
    /// Its role when the token was made. A change of role shows in the next token.
    pub role: Role,
}

/// The claims, by RFC 9068 section 2.2; times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    role: Role,
    jti: Uuid,
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// What every token says alike.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// Claim `iss`: who makes the tokens.
    pub issuer: String,
    /// Claim `aud`: whom they are for.
    pub audience: String,
    /// How long one is good.
    pub lifetime: Duration,
}

/// Makes and checks access tokens. Clones share the keys.
#[derive(Debug, Clone)]
pub struct AccessTokens {
    keys: Arc<TokenKeys>,
    rules: Arc<TokenRules>,
    validation: Arc<Validation>,
}

impl AccessTokens {
    /// Tokens by these rules, signed with these keys.
    pub fn new(keys: Arc<TokenKeys>, rules: TokenRules) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "nbf", "exp"]);
        validation.set_issuer(&[&rules.issuer]);
        validation.set_audience(&[&rules.audience]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY.as_secs();
        Self {
            keys,
            rules: Arc::new(rules),
            validation: Arc::new(validation),
        }
    }

    /// How long a token is good.
    pub fn lifetime(&self) -> Duration {
        self.rules.lifetime
    }

    /// Makes a token that is good from `now` on.
    pub fn issue(
        &self,
        identity: Identity,
        now: DateTime<Utc>,
    ) -> Result<SecretString, TokenError> {
        let now = u64::try_from(now.timestamp()).map_err(|_| TokenError::Signing)?;
        let claims = Claims {
            iss: self.rules.issuer.clone(),
            aud: self.rules.audience.clone(),
            sub: identity.account,
            role: identity.role,
            jti: Uuid::now_v7(),
            iat: now,
            nbf: now,
            exp: now + self.rules.lifetime.as_secs(),
        };
        let ring = self.keys.ring();
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(ring.current.id.clone());
        let token = jsonwebtoken::encode(&header, &claims, &ring.current.encoding);
        token
            .map(SecretString::from)
            .map_err(|_| TokenError::Signing)
    }

    /// Tells whose token it is, if it is good at this moment.
    pub fn verify(&self, token: &str) -> Result<Identity, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token)?;
        // RFC 7515 section 4.1.11: who does not understand what `crit` names must refuse. We understand none.
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(TokenError::Header);
        }
        let ring = self.keys.ring();
        let key = header
            .kid
            .as_deref()
            .and_then(|id| ring.find(id))
            .ok_or(TokenError::Key)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation)?.claims;
        self.check_period(&claims)?;
        Ok(Identity {
            account: claims.sub,
            role: claims.role,
        })
    }

    /// What the library does not check: a token from the future, and one that would outlive what is configured now. So
    /// a shorter lifetime holds at once, for tokens already given out too.
    fn check_period(&self, claims: &Claims) -> Result<(), TokenError> {
        let latest_now = jsonwebtoken::get_current_timestamp() + LEEWAY.as_secs();
        if claims.iat > latest_now {
            return Err(TokenError::Early);
        }
        if claims.exp > latest_now + self.rules.lifetime.as_secs() {
            return Err(TokenError::Claims);
        }
        Ok(())
    }
}

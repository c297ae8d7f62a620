//! From settings to a service: the one place of this room that reads settings.

use std::sync::Arc;

use super::AccountsError;
use super::hashing::{PasswordError, PasswordHasher};
use super::metrics::AccountMetrics;
use super::password::Argon2id;
use super::service::AccountService;
use super::token::{AccessTokens, TokenError, TokenKeys, TokenRules};
use crate::database::Database;
use crate::settings::AuthSettings;

impl TokenKeys {
    /// Keys of the settings' secrets, and whether the signing one is ephemeral: without a `jwt_secret` a random one is
    /// made that dies with the process, and every token with it. The caller warns.
    pub fn from_settings(settings: &AuthSettings) -> Result<(Self, bool), TokenError> {
        let previous = settings.jwt_secret_previous.as_ref();
        let keys = settings.jwt_secret.as_ref().map_or_else(
            || Self::ephemeral(previous),
            |secret| Ok(Self::new(secret, previous)),
        )?;
        Ok((keys, settings.jwt_secret.is_none()))
    }
}

impl AccountService {
    /// A service by these settings over this database. Whoever holds the keys too can replace them at run time.
    pub fn from_settings(
        settings: &AuthSettings,
        keys: Arc<TokenKeys>,
        database: Database,
        metrics: AccountMetrics,
    ) -> Result<Self, AccountsError> {
        let cost = &settings.argon2;
        let argon2id = Argon2id::new(cost.memory_kib, cost.iterations, cost.parallelism)
            .map_err(PasswordError::from)?;
        let rules = TokenRules {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime: settings.access_token_lifetime,
        };
        Ok(Self {
            database,
            passwords: PasswordHasher::new(argon2id, PasswordHasher::half_of_the_cores()),
            tokens: AccessTokens::new(keys, rules),
            // 365 days at most, by the settings; `from_std` fails beyond millions of years.
            refresh_lifetime: chrono::TimeDelta::from_std(settings.refresh_token_lifetime)
                .unwrap_or(chrono::TimeDelta::days(365)),
            metrics,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_secret_the_keys_are_said_to_be_ephemeral() {
        let (_, is_ephemeral) = TokenKeys::from_settings(&AuthSettings::default()).unwrap();
        assert!(is_ephemeral);
        let jwt_secret = Some(
            "a-secret-of-at-least-32-bytes-as-it-should-be"
                .to_owned()
                .into(),
        );
        let settings = AuthSettings {
            jwt_secret,
            ..AuthSettings::default()
        };
        let (_, is_ephemeral) = TokenKeys::from_settings(&settings).unwrap();
        assert!(!is_ephemeral);
    }
}

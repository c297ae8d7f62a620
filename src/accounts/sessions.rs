//! Sessions: logging in, exchanging a refresh token for a new pair, logging out everywhere.
//!
//! The protocol of refresh tokens is told in `refresh`. The one rule: what is decided about a token is decided under
//! the lock of its account, in the transaction that also writes it, and that transaction commits even when the answer
//! is a refusal.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::error::AccountsError;
use super::metrics::{LoginOutcome, RefreshOutcome};
use super::model::EmailAddress;
use super::password::Verdict;
use super::refresh::{RefreshToken, TokenDigest};
use super::service::{
    AccountService, DELETE_EXPIRED_SESSIONS, FIND_CREDENTIALS, INSERT_SESSION, REVOKE_SESSIONS,
    ROTATE_REFRESH_TOKEN,
};
use super::store::{self, NewRefreshToken};
use super::token::{Identity, TokenError};
use crate::database::{Conn, DatabaseError, types::now};
use crate::telemetry;

/// What a session consists of, from its owner's side.
#[derive(Debug)]
pub struct TokenPair {
    /// Shown with each request.
    pub access_token: SecretString,
    /// How long the access token is good.
    pub lifetime: Duration,
    /// Exchanged for the next pair, once.
    pub refresh_token: SecretString,
}

/// How an exchange of a refresh token ended.
enum Exchange {
    /// There is a successor.
    Rotated(Identity),
    /// The token had been used before, so its family was revoked.
    Reused {
        account: Uuid,
        family: Uuid,
        revoked: usize,
    },
    /// Unknown, expired, revoked, or its account is gone.
    Rejected,
}

impl AccountService {
    /// Begins a session. An unknown address and a wrong password answer alike, and take the same time. Counted in
    /// `logins_total`.
    pub async fn log_in(
        &self,
        email: EmailAddress,
        password: SecretString,
    ) -> Result<TokenPair, AccountsError> {
        let attempt = self.metrics.login();
        let outcome = self.begin_session(email, password).await;
        attempt.end(match &outcome {
            Ok(_) => LoginOutcome::Success,
            Err(AccountsError::InvalidCredentials) => LoginOutcome::InvalidCredentials,
            Err(error) if error.is_overload() => LoginOutcome::Overloaded,
            Err(_) => LoginOutcome::Failed,
        });
        outcome
    }

    async fn begin_session(
        &self,
        email: EmailAddress,
        password: SecretString,
    ) -> Result<TokenPair, AccountsError> {
        let found = self
            .database
            .read(FIND_CREDENTIALS, move |conn| {
                store::find_credentials(conn, &email)
            })
            .await?;
        let stored = found
            .as_ref()
            .map(|credentials| credentials.password.clone());
        let verdict = self.passwords.verify(password, stored).await?;
        let (Some(known), Verdict::Right { rehashed }) = (found, verdict) else {
            return Err(AccountsError::InvalidCredentials);
        };

        let identity = Identity {
            account: known.account,
            role: known.role,
        };
        let now = now();
        let token = RefreshToken::generate().map_err(TokenError::Random)?;
        let row = self.remembered(token.digest(), Uuid::now_v7(), known.account, now);
        self.database
            .write(INSERT_SESSION, move |conn| {
                if let Some(new) = &rehashed {
                    store::replace_password(conn, known.account, &known.password, new)?;
                }
                store::insert_refresh_token(conn, &row)
            })
            .await?;
        self.pair(identity, token, now)
    }

    /// Exchanges a refresh token for a new pair. Counted in `token_refreshes_total`.
    pub async fn refresh(&self, token: SecretString) -> Result<TokenPair, AccountsError> {
        let attempt = self.metrics.refresh();
        let now = now();
        let exchange = self.exchange(token, now).await;
        attempt.end(match &exchange {
            Ok((Exchange::Rotated(_), _)) => RefreshOutcome::Refreshed,
            Ok((Exchange::Reused { .. }, _)) => RefreshOutcome::Reused,
            Ok((Exchange::Rejected, _)) => RefreshOutcome::Rejected,
            Err(_) => RefreshOutcome::Failed,
        });
        match exchange? {
            (Exchange::Rotated(identity), successor) => self.pair(identity, successor, now),
            (
                Exchange::Reused {
                    account,
                    family,
                    revoked,
                },
                _,
            ) => {
                tracing::warn!(
                    account.id = %account,
                    session.family_id = %family,
                    session.revoked_tokens = revoked,
                    "reuse of a refresh token was detected"
                );
                Err(AccountsError::InvalidRefreshToken)
            }
            (Exchange::Rejected, _) => Err(AccountsError::InvalidRefreshToken),
        }
    }

    async fn exchange(
        &self,
        token: SecretString,
        now: DateTime<Utc>,
    ) -> Result<(Exchange, RefreshToken), AccountsError> {
        let successor = RefreshToken::generate().map_err(TokenError::Random)?;
        let Some(token) = RefreshToken::parse(token) else {
            return Ok((Exchange::Rejected, successor));
        };
        let (used, next) = (token.digest(), successor.digest());
        let service = self.clone();
        let exchange = self.database.write(ROTATE_REFRESH_TOKEN, move |conn| {
            service.rotate(conn, used, next, now)
        });
        Ok((exchange.await?, successor))
    }

    /// The decision, in one write transaction. Who holds the account's lock sees every token that another exchange has
    /// added, so a family that is revoked is revoked whole.
    fn rotate(
        &self,
        conn: &mut Conn<'_>,
        used: TokenDigest,
        next: TokenDigest,
        now: DateTime<Utc>,
    ) -> Result<Exchange, DatabaseError> {
        let Some(owner) = store::find_refresh_token(conn, &used)?.map(|token| token.account) else {
            return Ok(Exchange::Rejected);
        };
        let Some(role) = store::lock_account(conn, owner)? else {
            return Ok(Exchange::Rejected);
        };
        // Again: it may have been used or revoked while this transaction waited for the lock.
        let token = store::find_refresh_token(conn, &used)?;
        let Some(token) = token.filter(|t| t.expires_at > now && !t.is_revoked) else {
            return Ok(Exchange::Rejected);
        };
        if !store::use_refresh_token(conn, &used, now)? {
            let revoked = store::revoke_family(conn, token.family, now)?;
            return Ok(Exchange::Reused {
                account: owner,
                family: token.family,
                revoked,
            });
        }
        store::insert_refresh_token(conn, &self.remembered(next, token.family, owner, now))?;
        Ok(Exchange::Rotated(Identity {
            account: owner,
            role,
        }))
    }

    /// Ends every session of an account: no refresh token of it is good any more. Access tokens live out their time.
    pub async fn log_out_everywhere(&self, account: Uuid) -> Result<(), AccountsError> {
        let now = now();
        self.database
            .write(REVOKE_SESSIONS, move |conn| {
                store::lock_account(conn, account)?;
                store::revoke_account(conn, account, now)
            })
            .await?;
        Ok(())
    }

    /// Forgets at most `limit` expired refresh tokens and says how many; for a background task, again and again while
    /// it says `limit`.
    pub async fn delete_expired_sessions(&self, limit: u16) -> Result<usize, DatabaseError> {
        let now = now();
        self.database
            .write(DELETE_EXPIRED_SESSIONS, move |conn| {
                store::delete_expired(conn, now, i64::from(limit))
            })
            .await
    }

    fn remembered(
        &self,
        digest: TokenDigest,
        family: Uuid,
        account: Uuid,
        now: DateTime<Utc>,
    ) -> NewRefreshToken {
        let expires_at = now + self.refresh_lifetime;
        NewRefreshToken {
            digest,
            family,
            account,
            created_at: now,
            expires_at,
        }
    }

    fn pair(
        &self,
        identity: Identity,
        refresh_token: RefreshToken,
        now: DateTime<Utc>,
    ) -> Result<TokenPair, AccountsError> {
        telemetry::with_current(|context| context.set_account(identity.account));
        Ok(TokenPair {
            access_token: self.tokens.issue(identity, now)?,
            lifetime: self.tokens.lifetime(),
            refresh_token: refresh_token.into_secret(),
        })
    }
}

//! Who may hash a password when: never on a worker, never more at once than the machine can bear.
//!
//! One hash costs 19 MiB and 27 ms of a core by default, a thousand times an ordinary request. So at most half of the
//! cores hash at any time, a bounded number of callers waits for a turn, and who comes after them is refused at once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::model::NewPassword;
use super::password::{Argon2id, HashedPassword, HashingError, Verdict};
use crate::telemetry;

/// Callers that may wait for a turn. With two cores the last of them waits for about 2 s.
const QUEUE: usize = 64;

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded,
    /// Hashing failed.
    #[error("hashing failed")]
    Hashing(#[from] HashingError),
    /// The thread that hashed came to no end.
    #[error("the hashing thread ended early")]
    Thread(#[source] tokio::task::JoinError),
}

/// Hashes and compares passwords. Clones share the limit.
#[derive(Debug, Clone)]
pub struct PasswordHasher {
    argon2id: Arc<Argon2id>,
    /// Those who hash and those who wait.
    admitted: Arc<Semaphore>,
    /// Those who hash.
    running: Arc<Semaphore>,
}

impl PasswordHasher {
    /// A hasher that runs so many hashes at once.
    pub fn new(argon2id: Argon2id, at_once: NonZeroUsize) -> Self {
        Self {
            argon2id: Arc::new(argon2id),
            admitted: Arc::new(Semaphore::new(at_once.get() + QUEUE)),
            running: Arc::new(Semaphore::new(at_once.get())),
        }
    }

    /// Half of the cores, and at least one: the rest stays free for those who are not logging in.
    pub fn half_of_the_cores() -> NonZeroUsize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: NewPassword) -> Result<HashedPassword, PasswordError> {
        self.run(move |argon2id| argon2id.hash(&password)).await
    }

    /// Compares a password with the stored hash. Without one it takes the same time, and the answer is `Wrong`.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<HashedPassword>,
    ) -> Result<Verdict, PasswordError> {
        self.run(move |argon2id| argon2id.verify(&password, stored.as_ref()))
            .await
    }

    /// Waits for a turn, then works on a blocking thread. The permits move there: when the caller goes away, the work
    /// that goes on is still counted.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2id) -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let refused = |_| PasswordError::Overloaded;
        let admission = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(refused)?;
        // This one is never closed, so waiting for it never fails.
        let closed = |_| PasswordError::Overloaded;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(closed)?;
        let argon2id = Arc::clone(&self.argon2id);
        let outcome = telemetry::spawn_blocking(move || {
            let _held = (admission, turn);
            work(&argon2id)
        });
        Ok(outcome.await.map_err(PasswordError::Thread)??)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn hasher() -> PasswordHasher {
        PasswordHasher::new(Argon2id::new(8, 1, 1).unwrap(), NonZeroUsize::MIN)
    }

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn passwords_are_hashed_and_compared() {
        let hasher = hasher();
        let password = NewPassword::parse(secret("correct horse")).unwrap();
        let stored = hasher.hash(password).await.unwrap();
        let right = hasher
            .verify(secret("correct horse"), Some(stored))
            .await
            .unwrap();
        assert_eq!(right, Verdict::Right { rehashed: None });
        assert_eq!(
            hasher.verify(secret("correct horse"), None).await.unwrap(),
            Verdict::Wrong
        );
    }

    #[tokio::test]
    async fn so_many_wait_and_the_next_is_refused_at_once() {
        let hasher = hasher();
        let turn = Arc::clone(&hasher.running).acquire_owned().await.unwrap();
        let waiting = (0..=QUEUE).map(|_| hasher.verify(secret("correct horse"), None));
        let mut waiting = Box::pin(futures_util::future::join_all(waiting));
        assert!((&mut waiting).now_or_never().is_none());

        let refused = hasher.verify(secret("correct horse"), None).await;
        assert!(
            matches!(refused, Err(PasswordError::Overloaded)),
            "{refused:?}"
        );

        drop(turn);
        assert!(
            waiting
                .await
                .into_iter()
                .all(|verdict| verdict.unwrap() == Verdict::Wrong)
        );
        assert!(hasher.verify(secret("correct horse"), None).await.is_ok());
    }

    #[tokio::test]
    async fn who_goes_away_while_waiting_leaves_the_queue() {
        let hasher = hasher();
        let turn = Arc::clone(&hasher.running).acquire_owned().await.unwrap();
        let mut waiting = Box::pin(hasher.verify(secret("correct horse"), None));
        assert!((&mut waiting).now_or_never().is_none());
        drop(waiting);
        drop(turn);
        assert_eq!(hasher.admitted.available_permits(), QUEUE + 1);
        assert_eq!(hasher.running.available_permits(), 1);
    }
}

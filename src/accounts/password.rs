//! Password hashes: argon2id, as PHC strings that name their own parameters. Pure computation, and slow on purpose: who
//! may compute when is decided in `hashing`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::Error as HashError;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::model::NewPassword;

/// Bytes of a salt, as RFC 9106 section 3.1 recommends.
const SALT_BYTES: usize = 16;

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// The parameters are out of argon2's range. A fault of the settings.
    #[error("the parameters of argon2 are out of range")]
    Parameters(#[source] argon2::Error),
    /// The stored hash is no PHC string of argon2, or hashing failed.
    #[error("a password hash could not be computed")]
    Hash(#[source] HashError),
    /// The operating system gave no random bytes.
    #[error("no random bytes could be had")]
    Random(#[source] getrandom::Error),
}

impl From<HashError> for HashingError {
    fn from(error: HashError) -> Self {
        Self::Hash(error)
    }
}

/// A password hash as a PHC string: algorithm, parameters, salt and digest in one.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// Takes a hash as stored.
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HashedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedPassword(..)")
    }
}

/// What comparing a password with a stored hash gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the password, or there is no such account.
    Wrong,
    /// It is the password.
    Right {
        /// The same password by today's parameters, when the stored hash was made by others.
        rehashed: Option<HashedPassword>,
    },
}

/// argon2id with the parameters of today. Clones share its memory.
#[derive(Debug, Clone)]
pub struct Argon2id {
    argon2: Argon2<'static>,
    /// Stands in for the hash of an account that does not exist.
    decoy: PasswordHash,
    memory: Memory,
}

/// What hashes work in, kept from one to the next: as many pieces as there were ever hashes at once. Given back to the
/// allocator each time, it would stay with the thread that asked for it, 19 MiB for each thread that has ever hashed.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    /// Lends a piece of so many blocks.
    fn lend<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut piece = kept.unwrap_or_default();
        // One that is too long is used in part; argon2 writes a block before it reads it.
        if piece.len() < blocks {
            piece.resize(blocks, Block::new());
        }
        let outcome = work(&mut piece[..blocks]);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(piece);
        outcome
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Argon2id {
    /// Memory in KiB, passes over it, lanes.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, HashingError> {
        let params = Params::new(memory_kib, iterations, parallelism, None)
            .map_err(HashingError::Parameters)?;
        Ok(Self {
            decoy: decoy(&params)?,
            argon2: Argon2::from(params),
            memory: Memory::default(),
        })
    }

    /// Hashes a new password, with a fresh salt.
    pub fn hash(&self, password: &NewPassword) -> Result<HashedPassword, HashingError> {
        self.hash_secret(password.as_secret())
    }

    fn hash_secret(&self, password: &SecretString) -> Result<HashedPassword, HashingError> {
        let mut salt = [0_u8; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(HashingError::Random)?;
        let digest = self.digest(&self.argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?;
        let hash = phc(self.argon2.params(), &salt, digest.as_bytes())?;
        Ok(HashedPassword(hash.to_string()))
    }

    /// The slow part, of which all else here is made.
    fn digest(
        &self,
        argon2: &Argon2<'_>,
        password: &SecretString,
        salt: &[u8],
        length: usize,
    ) -> Result<Output, HashError> {
        let password = password.expose_secret().as_bytes();
        let mut buffer = [0_u8; Output::MAX_LENGTH];
        let digest = buffer.get_mut(..length).ok_or(HashError::OutputSize)?;
        let blocks = argon2.params().block_count();
        self.memory.lend(blocks, |memory| {
            argon2.hash_password_into_with_memory(password, salt, digest, memory)
        })?;
        Ok(Output::new(digest)?)
    }

    /// Compares a password with the stored hash. Without one it does the same work, and the answer is `Wrong`.
    pub fn verify(
        &self,
        password: &SecretString,
        stored: Option<&HashedPassword>,
    ) -> Result<Verdict, HashingError> {
        let Some(stored) = stored else {
            self.matches(password, &self.decoy)?;
            return Ok(Verdict::Wrong);
        };
        let stored = PasswordHash::new(stored.as_str()).map_err(HashError::from)?;
        if !self.matches(password, &stored)? {
            return Ok(Verdict::Wrong);
        }
        let rehashed = if self.is_current(&stored) {
            None
        } else {
            Some(self.hash_secret(password)?)
        };
        Ok(Verdict::Right { rehashed })
    }

    /// With the parameters that the hash names. One without a salt or a digest is a broken row, and no wrong password.
    fn matches(&self, password: &SecretString, hash: &PasswordHash) -> Result<bool, HashingError> {
        let (Some(salt), Some(stored)) = (&hash.salt, &hash.hash) else {
            return Err(HashError::EncodingInvalid.into());
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
        let version = hash.version.map(Version::try_from).transpose();
        let version = version.map_err(HashError::from)?.unwrap_or_default();
        let argon2 = Argon2::new(algorithm, version, Params::try_from(hash)?);
        let shown = self.digest(&argon2, password, salt, stored.len())?;
        Ok(shown.as_bytes().ct_eq(stored.as_bytes()).into())
    }

    /// Whether the hash was made as a new one would be.
    fn is_current(&self, stored: &PasswordHash) -> bool {
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        stored.algorithm == ARGON2ID_IDENT
            && stored.version == Some(Version::default().into())
            && Params::try_from(stored)
                .is_ok_and(|stored| cost(&stored) == cost(self.argon2.params()))
    }
}

/// A hash of no password at all, made of random bytes: it takes as long to compare with as any other, and costs nothing
/// to make, where a real one would take half of the time that the service has to start.
fn decoy(params: &Params) -> Result<PasswordHash, HashingError> {
    let mut random = [0_u8; SALT_BYTES + Params::DEFAULT_OUTPUT_LEN];
    getrandom::fill(&mut random).map_err(HashingError::Random)?;
    let (salt, digest) = random.split_at(SALT_BYTES);
    Ok(phc(params, salt, digest)?)
}

/// A hash as it is stored: made by argon2id with these parameters.
fn phc(params: &Params, salt: &[u8], digest: &[u8]) -> Result<PasswordHash, HashError> {
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::default().into()),
        params: ParamsString::try_from(params)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(digest)?),
    })
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    fn cheap(iterations: u32) -> Argon2id {
        Argon2id::new(8, iterations, 1).unwrap()
    }

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    fn hashed(argon2id: &Argon2id, password: &str) -> HashedPassword {
        argon2id
            .hash(&NewPassword::parse(secret(password)).unwrap())
            .unwrap()
    }

    #[test]
    fn only_the_right_password_is_right() {
        let argon2id = cheap(1);
        let stored = hashed(&argon2id, "correct horse");
        let verdict = |password| argon2id.verify(&secret(password), Some(&stored)).unwrap();
        assert_eq!(verdict("correct horse"), Verdict::Right { rehashed: None });
        for wrong in ["Correct horse", "correct horse ", "correct hors", ""] {
            assert_eq!(verdict(wrong), Verdict::Wrong, "{wrong:?}");
        }
        assert_eq!(
            argon2id.verify(&secret("correct horse"), None).unwrap(),
            Verdict::Wrong
        );
    }

    #[test]
    fn memory_is_kept_and_neither_its_size_nor_what_is_in_it_matters() {
        let argon2id = cheap(1);
        let larger = Argon2id {
            memory: argon2id.memory.clone(),
            ..Argon2id::new(64, 1, 1).unwrap()
        };
        let pieces = || argon2id.memory.0.lock().unwrap().len();
        let [small, large] = [&argon2id, &larger].map(|by| hashed(by, "correct horse"));
        for stored in [&small, &large, &small] {
            let shown = argon2id
                .verify(&secret("correct horse"), Some(stored))
                .unwrap();
            assert!(matches!(shown, Verdict::Right { .. }), "{stored:?}");
            let shown = larger.verify(&secret("wrong horse"), Some(stored)).unwrap();
            assert_eq!(shown, Verdict::Wrong);
        }
        assert_eq!(pieces(), 1, "one at a time needs one piece");
        // As the library makes and reads them.
        let theirs = argon2id.argon2.hash_password(b"correct horse").unwrap();
        let theirs = HashedPassword(theirs.to_string());
        let verdict = argon2id.verify(&secret("correct horse"), Some(&theirs));
        assert_eq!(verdict.unwrap(), Verdict::Right { rehashed: None });
        let ours = PasswordHash::new(large.as_str()).unwrap();
        Argon2::default()
            .verify_password(b"correct horse", &ours)
            .unwrap();
    }

    #[test]
    fn hashes_name_their_parameters_and_have_a_salt_each() {
        let argon2id = cheap(3);
        let stored = hashed(&argon2id, "correct horse");
        assert!(
            stored.as_str().starts_with("$argon2id$v=19$m=8,t=3,p=1$"),
            "{}",
            stored.as_str()
        );
        assert_ne!(hashed(&argon2id, "correct horse"), stored);
        assert!(!format!("{stored:?}").contains("argon2id$"));
    }

    #[test]
    fn a_hash_by_other_parameters_is_made_anew_when_its_password_is_shown() {
        let (old, new) = (cheap(1), cheap(2));
        let stored = hashed(&old, "correct horse");
        let verdict = new.verify(&secret("correct horse"), Some(&stored)).unwrap();
        let Verdict::Right {
            rehashed: Some(rehashed),
        } = verdict
        else {
            panic!("{verdict:?}")
        };
        assert!(rehashed.as_str().contains("t=2"));
        let again = new
            .verify(&secret("correct horse"), Some(&rehashed))
            .unwrap();
        assert_eq!(again, Verdict::Right { rehashed: None });
        assert_eq!(
            new.verify(&secret("wrong horse"), Some(&stored)).unwrap(),
            Verdict::Wrong
        );
    }

    #[test]
    fn a_stored_value_that_is_no_hash_is_an_error_and_not_a_wrong_password() {
        for stored in [
            "",
            "correct horse",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$scrypt$ln=1,r=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
        ] {
            let stored = HashedPassword::from_stored(stored.to_owned());
            let outcome = cheap(1).verify(&secret("correct horse"), Some(&stored));
            assert!(
                matches!(outcome, Err(HashingError::Hash(_))),
                "{}: {outcome:?}",
                stored.as_str()
            );
        }
    }

    #[test]
    fn parameters_out_of_range_are_an_error() {
        assert!(matches!(
            Argon2id::new(7, 1, 1),
            Err(HashingError::Parameters(_))
        ));
        assert!(matches!(
            Argon2id::new(8, 0, 1),
            Err(HashingError::Parameters(_))
        ));
    }

    #[test]
    fn the_decoy_is_like_any_hash_and_nobodys() {
        let (one, two) = (cheap(5), cheap(5));
        assert!(
            one.decoy
                .to_string()
                .starts_with("$argon2id$v=19$m=8,t=5,p=1$")
        );
        assert!(one.is_current(&one.decoy));
        assert_ne!(one.decoy, two.decoy);
    }
}

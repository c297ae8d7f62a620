//! Settings of tokens and password hashes. Keys are made and passwords hashed in the `accounts` room.

use std::time::Duration;

use secrecy::SecretString;

use super::format::{Count, DAY, Period, SECOND, SigningSecret, Text};
use super::section::section;

section! {
    /// Access tokens, refresh tokens and password hashing.
    pub struct AuthSettings {
        /// Secret that signs access tokens (HS256), at least 32 bytes: `openssl rand -base64 48` makes one. Required in
        /// production; in development an ephemeral one is made, and every restart logs everybody out.
        pub jwt_secret: Option<SecretString> = None => SigningSecret;
        /// A second secret that verifies but never signs. To rotate without a refused token: put the new secret here
        /// on every replica, then make it `jwt_secret` and the old one this, and drop the old one after
        /// `access_token_lifetime`. SIGHUP re-reads both when they come from files; an empty file for this one is no secret.
        pub jwt_secret_previous: Option<SecretString> = None => SigningSecret;
        /// The `iss` claim of access tokens; others are refused.
        pub issuer: String = "glasshouse".to_owned() => Text;
        /// The `aud` claim of access tokens; others are refused.
        pub audience: String = "glasshouse".to_owned() => Text;
        /// How long an access token is good, give or take 30 s for clocks that differ. It cannot be taken back before, so
        /// keep it short.
        pub access_token_lifetime: Duration = Duration::from_mins(15) => Period(SECOND..=DAY);
        /// How long a refresh token is good. It is replaced at each use.
        pub refresh_token_lifetime: Duration = 30 * DAY => Period(SECOND..=365 * DAY);
        /// Cost of one password hash (argon2id). Not below the minimum that OWASP's Password Storage Cheat Sheet names
        /// for the number of iterations: 1 with 47104 KiB, 2 with 19456, 3 with 12288, 4 with 9216, 5 with 7168.
        pub argon2: Argon2Settings;
    }
}

section! {
    /// Cost of one password hash.
    pub struct Argon2Settings {
        /// Memory of one hash in KiB. Logins at once multiply it.
        pub memory_kib: u32 = 19_456 => Count(7_168..=4_194_304);
        /// Passes over the memory.
        pub iterations: u32 = 2 => Count(1..=100);
        /// Lanes of one hash.
        pub parallelism: u32 = 1 => Count(1..=64);
    }
}

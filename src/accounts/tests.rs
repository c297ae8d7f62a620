//! Accounts and sessions over a real SQLite file. What their routes answer, on both databases, is in `tests/api/`.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::metrics::{AccountMetrics, LoginOutcome, RefreshOutcome, RegistrationOutcome};
use super::model::{Account, DisplayName, EmailAddress, NewPassword, Role};
use super::password::HashedPassword;
use super::service::{FIND_CREDENTIALS, INSERT_SESSION, OPERATIONS};
use super::store::Credentials;
use super::token::TokenKeys;
use super::{AccountService, AccountsError, NewAccount, TokenPair, store};
use crate::database::{Conn, Database, migrations};
use crate::settings::{Argon2Settings, AuthSettings, DatabaseSettings, DatabaseUrl};
use crate::telemetry::metrics::Registry;

const PASSWORD: &str = "correct horse";

struct Fixture {
    accounts: AccountService,
    _folder: TempDir,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("accounts.db"));
    migrations::run(&url).unwrap();
    let settings = DatabaseSettings {
        url,
        ..DatabaseSettings::default()
    };
    let registry = Registry::new();
    let database = Database::new(&settings, OPERATIONS, &registry).unwrap();
    let metrics = AccountMetrics::register(&registry).unwrap();
    Fixture {
        accounts: service(database, metrics, 1),
        _folder: folder,
    }
}

fn service(database: Database, metrics: AccountMetrics, iterations: u32) -> AccountService {
    let argon2 = Argon2Settings {
        memory_kib: 8,
        iterations,
        parallelism: 1,
    };
    let settings = AuthSettings {
        argon2,
        ..AuthSettings::default()
    };
    let (keys, _) = TokenKeys::from_settings(&settings).unwrap();
    AccountService::from_settings(&settings, Arc::new(keys), database, metrics).unwrap()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn new(address: &str, role: Role) -> NewAccount {
    NewAccount {
        email: email(address),
        display_name: DisplayName::parse("Ada").unwrap(),
        password: NewPassword::parse(PASSWORD.to_owned().into()).unwrap(),
        role,
    }
}

impl Fixture {
    async fn register(&self, address: &str) -> Account {
        self.accounts
            .register(new(address, Role::Customer))
            .await
            .unwrap()
    }

    async fn log_in(&self, address: &str) -> TokenPair {
        self.accounts
            .log_in(email(address), PASSWORD.to_owned().into())
            .await
            .unwrap()
    }

    async fn refresh(&self, pair: &TokenPair) -> Result<TokenPair, AccountsError> {
        self.accounts.refresh(pair.refresh_token.clone()).await
    }

    async fn is_dead(&self, pair: &TokenPair) -> bool {
        matches!(
            self.refresh(pair).await,
            Err(AccountsError::InvalidRefreshToken)
        )
    }

    async fn credentials(&self, address: &str) -> Credentials {
        let address = email(address);
        let work = move |conn: &mut Conn<'_>| store::find_credentials(conn, &address);
        let found = self.accounts.database.read(FIND_CREDENTIALS, work).await;
        found.unwrap().unwrap()
    }

    async fn stored_hash(&self, address: &str) -> String {
        self.credentials(address).await.password.as_str().to_owned()
    }
}

#[tokio::test]
async fn who_registered_can_log_in_and_is_known_by_the_token() {
    let it = fixture();
    let account = it.register("Ada@Example.com").await;
    let pair = it.log_in("ADA@example.COM").await;
    let identity = it
        .accounts
        .authenticate(pair.access_token.expose_secret())
        .unwrap();
    assert_eq!(
        (identity.account, identity.role),
        (account.id, Role::Customer)
    );
    assert_eq!(it.accounts.find(account.id).await.unwrap(), account);

    it.accounts
        .create(new("op@example.com", Role::Operator))
        .await
        .unwrap();
    let pair = it.log_in("op@example.com").await;
    let identity = it
        .accounts
        .authenticate(pair.access_token.expose_secret())
        .unwrap();
    assert_eq!(identity.role, Role::Operator);
}

#[tokio::test]
async fn an_address_is_taken_in_any_letter_case_and_given_once() {
    let it = fixture();
    it.register("ada@example.com").await;
    let again = it
        .accounts
        .register(new("ADA@EXAMPLE.COM", Role::Customer))
        .await;
    assert!(matches!(again, Err(AccountsError::EmailTaken)));

    let at_once = (0..8).map(|_| it.accounts.register(new("bob@example.com", Role::Customer)));
    let created = join_all(at_once)
        .await
        .iter()
        .filter(|outcome| outcome.is_ok())
        .count();
    assert_eq!(created, 1);
    let count = |outcome| it.accounts.metrics.registrations.with(outcome).get();
    assert_eq!(count(RegistrationOutcome::Created), 2);
    assert_eq!(count(RegistrationOutcome::EmailTaken), 8);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_told_alike() {
    let it = fixture();
    it.register("ada@example.com").await;
    for (address, password) in [
        ("ada@example.com", "wrong horse"),
        ("bob@example.com", PASSWORD),
    ] {
        let outcome = it
            .accounts
            .log_in(email(address), password.to_owned().into())
            .await;
        assert!(
            matches!(outcome, Err(AccountsError::InvalidCredentials)),
            "{address}"
        );
    }
    let count = |outcome| it.accounts.metrics.logins.with(outcome).get();
    assert_eq!(count(LoginOutcome::InvalidCredentials), 2);
    assert_eq!(count(LoginOutcome::Success), 0);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_family() {
    let it = fixture();
    it.register("ada@example.com").await;
    let (first, other) = (
        it.log_in("ada@example.com").await,
        it.log_in("ada@example.com").await,
    );
    let second = it.refresh(&first).await.unwrap();
    let third = it.refresh(&second).await.unwrap();

    assert!(it.is_dead(&first).await, "used before");
    assert!(it.is_dead(&third).await, "its family was revoked");
    assert!(
        it.refresh(&other).await.is_ok(),
        "another log-in is another family"
    );

    let count = |outcome| it.accounts.metrics.refreshes.with(outcome).get();
    assert_eq!(count(RefreshOutcome::Refreshed), 3);
    assert_eq!(count(RefreshOutcome::Reused), 1);
    assert_eq!(count(RefreshOutcome::Rejected), 1);
}

#[tokio::test]
async fn of_many_who_use_a_token_at_once_one_wins_and_nobody_keeps_a_session() {
    let it = fixture();
    it.register("ada@example.com").await;
    for _ in 0..5 {
        let first = it.log_in("ada@example.com").await;
        let outcomes = join_all((0..16).map(|_| it.refresh(&first))).await;
        let won: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
        assert_eq!(won.len(), 1);
        assert!(it.is_dead(&won[0]).await);
    }
}

#[tokio::test]
async fn logging_out_ends_every_session_even_one_that_is_being_exchanged() {
    let it = fixture();
    let account = it.register("ada@example.com").await;
    it.register("bob@example.com").await;
    let bob = it.log_in("bob@example.com").await;
    for _ in 0..10 {
        let (one, two) = (
            it.log_in("ada@example.com").await,
            it.log_in("ada@example.com").await,
        );
        let (exchanged, ended) =
            tokio::join!(it.refresh(&one), it.accounts.log_out_everywhere(account.id));
        ended.unwrap();
        if let Ok(successor) = exchanged {
            assert!(it.is_dead(&successor).await);
        }
        assert!(it.is_dead(&two).await);
    }
    assert!(it.refresh(&bob).await.is_ok());
}

#[tokio::test]
async fn an_expired_token_is_refused_and_then_forgotten() {
    let mut it = fixture();
    it.register("ada@example.com").await;
    let good = it.log_in("ada@example.com").await;
    it.accounts.refresh_lifetime = TimeDelta::milliseconds(-1);
    let expired = [
        it.log_in("ada@example.com").await,
        it.log_in("ada@example.com").await,
    ];
    let one_more = it.log_in("ada@example.com").await;
    it.accounts.refresh_lifetime = TimeDelta::days(30);

    for pair in &expired {
        assert!(it.is_dead(pair).await);
    }
    assert_eq!(it.accounts.delete_expired_sessions(2).await.unwrap(), 2);
    assert_eq!(it.accounts.delete_expired_sessions(2).await.unwrap(), 1);
    assert_eq!(it.accounts.delete_expired_sessions(2).await.unwrap(), 0);
    assert!(it.is_dead(&one_more).await);
    assert!(it.refresh(&good).await.is_ok());
}

#[tokio::test]
async fn what_is_no_refresh_token_is_rejected() {
    let it = fixture();
    it.register("ada@example.com").await;
    let pair = it.log_in("ada@example.com").await;
    let access_token = pair.access_token.expose_secret().to_owned();
    for token in [
        String::new(),
        "A".repeat(43),
        "A".repeat(5000),
        access_token,
        "\0".to_owned(),
    ] {
        let outcome = it.accounts.refresh(token.into()).await;
        assert!(matches!(outcome, Err(AccountsError::InvalidRefreshToken)));
    }
}

#[tokio::test]
async fn a_hash_by_older_parameters_is_replaced_when_its_owner_logs_in() {
    let mut it = fixture();
    it.register("ada@example.com").await;
    let old = it.stored_hash("ada@example.com").await;
    it.accounts = service(it.accounts.database.clone(), it.accounts.metrics.clone(), 2);
    it.log_in("ada@example.com").await;
    let new = it.stored_hash("ada@example.com").await;
    assert!(old.contains("t=1") && new.contains("t=2"), "{old} {new}");
    it.log_in("ada@example.com").await;
    assert_eq!(it.stored_hash("ada@example.com").await, new);
}

#[tokio::test]
async fn a_hash_that_somebody_else_has_replaced_meanwhile_stays() {
    let it = fixture();
    it.register("ada@example.com").await;
    let known = it.credentials("ada@example.com").await;
    let hash = |text: &str| HashedPassword::from_stored(text.to_owned());
    for (old, new, is_replaced) in [
        (hash("another"), hash("one"), false),
        (known.password, hash("two"), true),
    ] {
        let work =
            move |conn: &mut Conn<'_>| store::replace_password(conn, known.account, &old, &new);
        let replaced = it.accounts.database.write(INSERT_SESSION, work).await;
        assert_eq!(replaced.unwrap(), is_replaced);
    }
    assert_eq!(it.stored_hash("ada@example.com").await, "two");
}

#[tokio::test]
async fn seeding_again_adds_what_is_missing() {
    let it = fixture();
    let password = || NewPassword::parse(PASSWORD.to_owned().into()).unwrap();
    assert_eq!(it.accounts.seed(3, password()).await.unwrap(), 3);
    assert_eq!(it.accounts.seed(1203, password()).await.unwrap(), 1200);
    assert_eq!(it.accounts.seed(1203, password()).await.unwrap(), 0);
    it.log_in("load-1203@example.com").await;
    assert_eq!(
        it.stored_hash("load-4@example.com").await,
        it.stored_hash("load-5@example.com").await
    );
}

#[tokio::test]
async fn an_account_that_is_gone_is_said_to_be() {
    let it = fixture();
    let gone = it.accounts.find(uuid::Uuid::now_v7()).await;
    assert!(matches!(gone, Err(AccountsError::AccountGone)));
}

//! The whole service in this process, on a database of its own: what most tests are about. Started before the test,
//! stopped after it; a shutdown that has to cut something off fails the test.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use glasshouse::settings::Settings;
use tokio::sync::OnceCell;

use super::app::{self, Running};
use super::client::{Account, Client, PASSWORD};
use super::database::{Backend, TestDatabase};
use super::metrics::Metrics;

/// Longer than a test should take that does not say otherwise, so that one that hangs says so instead of holding up all.
pub(crate) const LONGEST: Duration = Duration::from_mins(2);

/// The service, and a client of its public listener by dereference: `app.get("/health")`. Clones share it.
#[derive(Clone)]
pub(crate) struct TestApp {
    inner: Arc<Inner>,
}

struct Inner {
    public: Client,
    admin: Client,
    operator: OnceCell<Account>,
    // Before the database: what is dropped with a failed test lets go of it first.
    running: Mutex<Option<Running>>,
    database: TestDatabase,
}

impl TestApp {
    /// Starts the service on a migrated database, with the settings for tests as changed by `options`.
    pub(crate) async fn start(backend: Backend, options: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(TestDatabase::migrated(backend), options).await
    }

    /// Starts the service on this database.
    pub(crate) async fn start_on(
        database: TestDatabase,
        options: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = app::settings(&database);
        options(&mut settings);
        let running = Running::start(settings).await;
        let inner = Inner {
            public: Client::new(running.public),
            admin: Client::new(running.admin),
            operator: OnceCell::new(),
            running: Mutex::new(Some(running)),
            database,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A client of the public listener.
    pub(crate) fn client(&self) -> &Client {
        &self.inner.public
    }

    /// A client of the admin listener.
    pub(crate) fn admin(&self) -> &Client {
        &self.inner.admin
    }

    /// Its database.
    pub(crate) fn database(&self) -> &TestDatabase {
        &self.inner.database
    }

    /// An operator, the same at each call.
    pub(crate) async fn operator(&self) -> Account {
        let make = async || {
            let email = "operator@example.com";
            app::create_operator(self.database(), email, PASSWORD);
            self.client().login(email).await
        };
        self.inner.operator.get_or_init(make).await.clone()
    }

    /// A product with so many pieces, made by the operator; its id.
    pub(crate) async fn product(&self, sku: &str, stock: u32) -> String {
        self.create_product(&self.operator().await, sku, stock)
            .await
    }

    /// A scrape of the admin listener.
    pub(crate) async fn metrics(&self) -> Metrics {
        self.inner.admin.metrics().await
    }

    /// Shuts it down. Whether nothing was cut off; `true` also when it was stopped before.
    pub(crate) async fn stop(&self) -> bool {
        let running = self
            .inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match running {
            Some(running) => running.stop().await,
            None => true,
        }
    }
}

impl Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client()
    }
}

/// What a test is handed: made before it, taken down after it.
pub(crate) trait Fixture: Clone {
    /// What can be chosen.
    type Options;

    /// Makes it.
    async fn make(backend: Backend, options: Self::Options) -> Self;

    /// Takes it down, whether the test has passed or not.
    async fn take_down(self);
}

impl Fixture for TestApp {
    type Options = fn(&mut Settings);

    async fn make(backend: Backend, options: Self::Options) -> Self {
        Self::start(backend, options).await
    }

    async fn take_down(self) {
        assert!(
            self.stop().await,
            "the service had to cut something off to stop"
        );
    }
}

/// An empty database, for tests that start the program themselves.
impl Fixture for Arc<TestDatabase> {
    type Options = fn(&mut Settings);

    async fn make(backend: Backend, _options: Self::Options) -> Self {
        Self::new(TestDatabase::empty(backend))
    }

    async fn take_down(self) {}
}

/// Nothing, for tests that make what they need.
impl Fixture for Backend {
    type Options = fn(&mut Settings);

    async fn make(backend: Backend, _options: Self::Options) -> Self {
        backend
    }

    async fn take_down(self) {}
}

/// Runs a test on a runtime of its own.
pub(crate) fn run<F: Fixture>(backend: Backend, options: F::Options, test: impl AsyncFnOnce(F)) {
    run_within(LONGEST, backend, options, test);
}

/// The same for a test that may take this long. `on_both!` calls it.
pub(crate) fn run_within<F: Fixture>(
    longest: Duration,
    backend: Backend,
    options: F::Options,
    test: impl AsyncFnOnce(F),
) {
    actix_web::rt::System::new().block_on(async {
        let fixture = F::make(backend, options).await;
        let whole = async {
            let passed = AssertUnwindSafe(test(fixture.clone())).catch_unwind().await;
            // After a failure too: left to the end of their runtime, the service's connections panic while they are
            // dropped, and that ends the whole binary with all its other tests.
            let taken_down = AssertUnwindSafe(fixture.take_down()).catch_unwind().await;
            if let Err(panic) = passed.and(taken_down) {
                resume_unwind(panic);
            }
        };
        let ended = tokio::time::timeout(longest, whole).await;
        assert!(ended.is_ok(), "the test did not end within {longest:?}");
    });
}

//! What becomes of work on the database whose request has no time left, or nobody who waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tempfile::TempDir;

use super::{Database, DatabaseError, ErrorKind, Operation};
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::telemetry::metrics::Registry;
use crate::telemetry::{self, InContext, RequestContext, RequestId};

const OPERATION: Operation = Operation("look");

fn database() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let settings = DatabaseSettings {
        url: DatabaseUrl::Sqlite(folder.path().join("test.db")),
        max_connections: 2,
        wait_timeout: Duration::from_secs(10),
        deadline: Duration::from_secs(20),
        ..DatabaseSettings::default()
    };
    let database = Database::new(&settings, &[OPERATION], &Registry::new()).unwrap();
    (folder, database)
}

fn request(left: Duration) -> Arc<RequestContext> {
    let context = RequestContext::new(RequestId::generate(), None, false);
    context.set_deadline(Instant::now() + left);
    Arc::new(context)
}

/// Reads, and tells whether it did.
fn look(
    database: &Database,
) -> (
    Arc<AtomicBool>,
    impl Future<Output = Result<(), DatabaseError>>,
) {
    let ran = Arc::new(AtomicBool::new(false));
    let (database, runs) = (database.clone(), Arc::clone(&ran));
    let looking = async move {
        let work = move |_: &mut super::Conn<'_>| {
            runs.store(true, Ordering::SeqCst);
            Ok(())
        };
        database.read(OPERATION, work).await
    };
    (ran, looking)
}

/// A runtime with one thread for blocking work, which is kept busy until what comes back is dropped.
fn with_one_thread<T>(test: impl AsyncFnOnce(Database, mpsc::Sender<()>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (_folder, database) = database();
        look(&database).1.await.expect("a connection is there now");
        let (busy, over) = mpsc::channel();
        drop(telemetry::spawn_blocking(move || over.recv()));
        test(database, busy).await
    })
}

#[tokio::test]
async fn an_operation_whose_request_is_past_its_deadline_never_runs() {
    let (_folder, database) = database();
    let (ran, looking) = look(&database);
    let outcome = InContext::new(request(Duration::ZERO), looking).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Deadline);
    assert!(!ran.load(Ordering::SeqCst));
    let (ran, looking) = look(&database);
    InContext::new(request(Duration::from_mins(1)), looking)
        .await
        .unwrap();
    assert!(ran.load(Ordering::SeqCst));
}

#[test]
fn an_operation_that_gets_its_thread_after_the_deadline_never_runs() {
    with_one_thread(async |database, busy| {
        let left = Duration::from_millis(50);
        let (ran, looking) = look(&database);
        let looking = InContext::new(request(left), looking);
        let late = async {
            tokio::time::sleep(left).await;
            drop(busy);
        };
        let (outcome, ()) = tokio::join!(looking, late);
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Deadline);
        assert!(!ran.load(Ordering::SeqCst));
    });
}

#[test]
fn an_operation_whose_caller_has_gone_before_it_got_a_thread_never_runs() {
    with_one_thread(async |database, busy| {
        let (ran, looking) = look(&database);
        let mut looking = Box::pin(looking);
        assert!((&mut looking).now_or_never().is_none());
        drop(looking);
        drop(busy);
        // On the same thread, and so after it.
        look(&database).1.await.unwrap();
        assert!(!ran.load(Ordering::SeqCst));
    });
}

//! The token of the admin listener from a file: read again on SIGHUP, so that it rotates without a restart, and kept when
//! the file cannot be used.

use std::time::Duration;

use crate::support::client::Client;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::process::{Process, Program};

const SOON: Duration = Duration::from_secs(10);

/// Reads the secrets anew, and waits until this was logged once more.
async fn reload(process: &Process, message: &str) {
    let said = || {
        let log = process.log();
        log.iter().filter(|line| line["message"] == message).count()
    };
    let before = said();
    process.signal("HUP");
    eventually(message, SOON, async || said() > before).await;
}

async fn status(admin: &Client, token: &str) -> u16 {
    admin.get("/config").bearer(token).send().await.status
}

#[actix_web::test]
async fn a_token_from_a_file_rotates_on_sighup() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let file = database.folder().join("token");
    let write = |token: &str| std::fs::write(&file, token).unwrap();
    let (first, second) = (
        "the-first-token-of-some-length",
        "the-second-token-of-some-length",
    );
    write(&format!("{first}\n"));
    let process = Program::on(&database)
        .env("GLASSHOUSE_ADMIN__TOKEN_FILE", &file.display().to_string())
        .serve()
        .await;
    let admin = process.admin();
    assert_eq!(status(&admin, first).await, 200);
    assert_eq!(status(&admin, second).await, 401);

    // A file alone changes nothing.
    write(&format!("{second}\n"));
    assert_eq!(status(&admin, first).await, 200);
    reload(&process, "secrets read anew").await;
    assert_eq!(status(&admin, first).await, 401);
    assert_eq!(status(&admin, second).await, 200);

    // What cannot be used neither opens the door nor locks it.
    for broken in ["", "\n", "two words"] {
        write(broken);
        reload(
            &process,
            "secrets not read anew, the old ones stay in force",
        )
        .await;
        assert_eq!(status(&admin, second).await, 200);
        assert_eq!(status(&admin, broken.trim()).await, 401);
        admin.get("/config").send().await.expect(401);
    }
    std::fs::remove_file(&file).unwrap();
    reload(
        &process,
        "secrets not read anew, the old ones stay in force",
    )
    .await;
    assert_eq!(status(&admin, second).await, 200);
    let said = process.said();
    assert!(!said.contains(first) && !said.contains(second), "{said}");
}

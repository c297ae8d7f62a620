//! The API against its own document: Schemathesis, as nobody, as a customer and as an operator, each operation by itself and in
//! sequences. With a fixed seed, so that it finds today what it found yesterday; `make fuzz-api` draws another one each time.

use std::process::Command;
use std::sync::{Arc, LazyLock};

use crate::repository;
use crate::support::database::TestDatabase;
use crate::support::on_both;

static INSTALLED: LazyLock<bool> = LazyLock::new(|| {
    let status = Command::new(repository::at("scripts/fuzz-api"))
        .arg("--install")
        .status();
    status.expect("bash is there").success()
});

on_both!(no_request_brings_a_5xx_or_what_the_document_does_not_say);
async fn no_request_brings_a_5xx_or_what_the_document_does_not_say(database: Arc<TestDatabase>) {
    assert!(*INSTALLED, "Schemathesis could not be installed");
    let ended = Command::new(repository::at("scripts/fuzz-api"))
        .arg("existing")
        .env("DATABASE_URL", database.url())
        .env("GLASSHOUSE", env!("CARGO_BIN_EXE_glasshouse"))
        .env("EXAMPLES", "5")
        .env("SEED", "1")
        .output()
        .expect("bash is there");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    for role in ["anonymous", "customer", "operator"] {
        assert!(said.contains(&format!("fuzz-api: as {role}")), "{said}");
    }
    assert!(said.contains("every operation succeeded, no 5xx"), "{said}");
}

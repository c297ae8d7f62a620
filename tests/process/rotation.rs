//! Keys rotate on SIGHUP: while buyers order without a pause nobody is turned away, tokens of the old key are good until it
//! is taken away, and a file that is broken changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::shop::{Shop, assert_ended_in_order};
use crate::support::client::{Account, Client};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::process::Program;

/// For what happens within milliseconds when it happens at all.
const SOON: Duration = Duration::from_secs(10);

/// Reads the secrets anew, and waits until this was logged once more.
async fn reload(shop: &Shop, message: &str) -> serde_json::Value {
    let said = || {
        let lines = shop.process.log().into_iter();
        lines
            .filter(|line| line["message"] == message)
            .collect::<Vec<_>>()
    };
    let before = said().len();
    shop.process.signal("HUP");
    let look = async || said().into_iter().nth(before);
    eventually(message, SOON, look).await
}

async fn status(client: &Client, account: &Account) -> u16 {
    let call = client.get("/api/v1/accounts/me").token(account);
    call.send().await.status
}

on_both!(keys_rotate_under_load_without_one_failed_request);
async fn keys_rotate_under_load_without_one_failed_request(database: Arc<TestDatabase>) {
    let write = |name: &str, text: &str| {
        let path = database.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (first, second) = ("1".repeat(40), "2".repeat(40));
    let current = write("current", &first);
    let previous = write("previous", &"0".repeat(40));
    let program = Program::on(&database)
        .env("GLASSHOUSE_AUTH__JWT_SECRET_FILE", &current)
        .env("GLASSHOUSE_AUTH__JWT_SECRET_PREVIOUS_FILE", &previous);
    let mut shop = Shop::open(program, &database).await;
    let client = shop.process.public();
    let old = shop.buyer.clone();
    let crowd = shop.let_in(8);
    let more = async |orders: i64| {
        let aim = crowd.tally.placed.get() + orders;
        let busy = async || crowd.tally.placed.get() >= aim;
        eventually("more orders", SOON, busy).await;
    };
    more(20).await;

    // The new key signs, the old one still verifies.
    write("previous", &first);
    write("current", &second);
    reload(&shop, "secrets read anew").await;
    let new = client.login(&old.email).await;
    assert_eq!(status(&client, &new).await, 200);
    assert_eq!(status(&client, &old).await, 200);
    more(20).await;

    // A file that is broken, empty or gone keeps the keys as they are, and is told.
    for broken in ["short", "", "\n"] {
        write("current", broken);
        let line = reload(&shop, "secrets not read anew, the old ones stay in force").await;
        assert_eq!(line["level"], "ERROR");
        let error = line["error"].as_str().unwrap();
        assert!(error.contains("auth.jwt_secret"), "{error}");
        assert!(!error.contains("short\n"), "{error}");
    }
    std::fs::remove_file(&current).unwrap();
    reload(&shop, "secrets not read anew, the old ones stay in force").await;
    assert_eq!(status(&client, &old).await, 200);
    assert_eq!(status(&client, &client.login(&old.email).await).await, 200);
    more(20).await;
    let tally = crowd.leave().await;
    tally.assert_all_placed();
    println!("{} orders placed while keys rotated", tally.placed.get());

    // Without the old key its tokens are over; those of the new one are not.
    write("current", &second);
    write("previous", "");
    reload(&shop, "secrets read anew").await;
    let call = client.get("/api/v1/accounts/me").token(&old);
    assert_problem(&call.send().await, 401, "unauthenticated");
    assert_eq!(status(&client, &new).await, 200);

    let said = shop.process.said();
    assert!(!said.contains(&first) && !said.contains(&second), "{said}");
    shop.process.signal("TERM");
    assert_ended_in_order(&shop.process.wait_exit(SOON).await);
    assert_eq!(tally.placed.get(), shop.orders());
}

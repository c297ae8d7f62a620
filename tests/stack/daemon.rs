//! A server of the Prometheus family that runs beside a test: on a port of its own choice, which its log names, and gone with
//! its value.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::client::Client;
use crate::support::eventually::eventually;

/// Longest wait for it to be ready, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs.
pub(crate) struct Daemon {
    _process: Process,
    client: Client,
}

/// A process that ends with its value, whether or not it ever became ready.
struct Process(Child);

impl Daemon {
    /// Starts it in this folder, where it also logs, and waits until it is ready.
    pub(crate) async fn start(mut command: Command, folder: &Path) -> Self {
        let name = command.get_program().display().to_string();
        let log = folder.join("log");
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; `make setup` installs it"));
        let mut process = Process(child);
        let client = Client::new(address(&name, &log, &mut process).await);
        eventually(&format!("{name} to be ready"), PATIENCE, async || {
            let answer = client.get("/-/ready").try_send().await;
            answer.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        Self {
            _process: process,
            client,
        }
    }

    /// A client of its API.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_before = self.0.kill();
        let _code = self.0.wait();
    }
}

/// Where it says that it listens: port 0 is whichever is free.
async fn address(name: &str, log: &Path, process: &mut Process) -> SocketAddr {
    let look = async || {
        let ended = process.0.try_wait().unwrap();
        let text = fs::read_to_string(log).unwrap();
        assert!(ended.is_none(), "{name} ended: {text}");
        let line = text.lines().find(|line| line.contains("Listening on"));
        let address = line
            .and_then(|line| line.split_once("address="))
            .and_then(|(_, rest)| rest.split_whitespace().next());
        address.and_then(|address| address.parse().ok()).ok_or(text)
    };
    eventually(&format!("{name} to listen"), PATIENCE, look).await
}

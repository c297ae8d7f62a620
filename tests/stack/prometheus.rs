//! A real Prometheus of the package `prometheus`, on a free port and a folder of its own, which ends with its value.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::eventually::eventually;

/// Longest wait for it to be ready, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Prometheus that runs.
pub(crate) struct Prometheus {
    child: Child,
    client: Client,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one with this configuration, which may name files relative to `folder`, and these flags beyond the necessary.
    /// What is in `folder/data` already is its past.
    pub(crate) async fn start(folder: TempDir, config: &str, flags: &[&str]) -> Self {
        let path = |name: &str| folder.path().join(name);
        fs::write(path("prometheus.yml"), config).unwrap();
        let log = File::create(path("log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                path("prometheus.yml").display()
            ))
            .arg(format!("--storage.tsdb.path={}", path("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(flags)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus, of the package of that name, has to be installed");
        let mut starting = Starting { child: Some(child) };
        let address = address(&path("log")).await;
        let client = Client::new(address);
        eventually("Prometheus to be ready", PATIENCE, async || {
            let answer = client.get("/-/ready").try_send().await;
            answer.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        Self {
            child: starting.child.take().unwrap(),
            client,
            _folder: folder,
        }
    }

    /// A client of its API.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// One that is not ready yet, and ends if it never is.
struct Starting {
    child: Option<Child>,
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.child.iter_mut().for_each(end);
    }
}

fn end(child: &mut Child) {
    let _ended_before = child.kill();
    let _code = child.wait();
}

/// Where it says that it listens: port 0 is whichever is free.
async fn address(log: &Path) -> SocketAddr {
    let look = async || {
        let text = fs::read_to_string(log).unwrap();
        let line = text.lines().find(|line| line.contains("Listening on"));
        let address = line
            .and_then(|line| line.split_once("address="))
            .and_then(|(_, rest)| rest.split_whitespace().next());
        address.and_then(|address| address.parse().ok()).ok_or(text)
    };
    eventually("Prometheus to listen", PATIENCE, look).await
}

/// Makes a past out of OpenMetrics text with timestamps, without waiting for it: `folder/data`.
pub(crate) fn remember(folder: &Path, openmetrics: &str) {
    let input: PathBuf = folder.join("openmetrics");
    fs::write(&input, openmetrics).unwrap();
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&input, &folder.join("data")])
        .output()
        .expect("promtool, of the package prometheus, has to be installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
    );
}

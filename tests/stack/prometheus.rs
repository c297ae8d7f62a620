//! A real Prometheus of the package `prometheus`, on a free port and a folder of its own, which ends with its value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::support::client::Client;

/// A Prometheus that runs.
pub(crate) struct Prometheus {
    daemon: Daemon,
    folder: TempDir,
}

impl Prometheus {
    /// Starts one with this configuration, which may name files relative to `folder`, and these flags beyond the necessary.
    /// What is in `folder/data` already is its past.
    pub(crate) async fn start(folder: TempDir, config: &str, flags: &[&str]) -> Self {
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(flags);
        let daemon = Daemon::start(command, folder.path()).await;
        Self { daemon, folder }
    }

    /// Gives it another configuration. It must have been started with `--web.enable-lifecycle`.
    pub(crate) async fn reconfigure(&self, config: &str) {
        fs::write(self.folder.path().join("prometheus.yml"), config).unwrap();
        self.client().post("/-/reload").send().await.expect(200);
    }

    /// A client of its API.
    pub(crate) fn client(&self) -> &Client {
        self.daemon.client()
    }
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

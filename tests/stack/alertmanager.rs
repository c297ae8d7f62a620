//! A real Alertmanager of the package `prometheus-alertmanager`, which ends with its value.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::repository::at;
use crate::support::client::Client;

/// An Alertmanager that runs.
pub(crate) struct Alertmanager {
    daemon: Daemon,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts one with the committed configuration, alone.
    pub(crate) async fn start() -> Self {
        let config = at("alertmanager/alertmanager.yml");
        let folder = tempfile::tempdir().unwrap();
        // Debian's name first: there, `alertmanager` alone is nobody's.
        let program = ["prometheus-alertmanager", "alertmanager"]
            .into_iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok())
            .expect("Alertmanager is installed: `make setup`");
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .args([
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",
            ]);
        let daemon = Daemon::start(command, folder.path()).await;
        Self {
            daemon,
            _folder: folder,
        }
    }

    /// A client of its API.
    pub(crate) fn client(&self) -> &Client {
        self.daemon.client()
    }

    /// The alerts that it has, with their labels, annotations and receivers.
    pub(crate) async fn alerts(&self) -> Vec<Value> {
        let answer = self.client().get("/api/v2/alerts").send().await.expect(200);
        answer.json().as_array().cloned().unwrap_or_default()
    }
}

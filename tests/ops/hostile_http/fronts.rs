//! HAProxy and nginx as they come, in front of the service; each with a rule that nobody may `DELETE`. They listen on sockets
//! in the file system, so there is no port to be taken by somebody else.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::UnixStream;

use crate::support::eventually::eventually;

/// The proxy; it ends with its value.
pub(super) struct Front {
    child: Child,
    socket: PathBuf,
}

impl Front {
    /// HAProxy, which reuses its connections for all clients.
    pub(super) async fn haproxy(to: SocketAddr, folder: &Path) -> Self {
        let socket = folder.join("haproxy.sock");
        let config = folder.join("haproxy.cfg");
        let text = format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 10s\n timeout server 10s\n\
             frontend all\n bind unix@{}\n http-request deny if {{ method DELETE }}\n default_backend shop\n\
             backend shop\n http-reuse always\n server shop {to}\n",
            socket.display()
        );
        fs::write(&config, text).expect("a file");
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&config);
        Self::start(command, socket).await
    }

    /// nginx, which passes bodies on as they come.
    pub(super) async fn nginx(to: SocketAddr, folder: &Path) -> Self {
        let socket = folder.join("nginx.sock");
        let config = folder.join("nginx.conf");
        let text = format!(
            "daemon off; master_process off; pid nginx.pid; error_log nginx.log;\n\
             events {{}}\n\
             http {{\n access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;\n \
             scgi_temp_path s;\n upstream shop {{ server {to}; keepalive 8; }}\n \
             server {{ listen unix:{}; location / {{\n if ($request_method = DELETE) {{ return 403; }}\n \
             proxy_pass http://shop; proxy_http_version 1.1; proxy_request_buffering off;\n \
             proxy_set_header Connection \"\"; proxy_set_header Host $http_host;\n }} }} }}\n",
            socket.display()
        );
        fs::write(&config, text).expect("a file");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-e").arg("nginx.log");
        command.arg("-c").arg(&config);
        Self::start(command, socket).await
    }

    async fn start(mut command: Command, socket: PathBuf) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; `make setup` installs it"));
        let front = Self { child, socket };
        eventually("the proxy to listen", Duration::from_secs(20), async || {
            UnixStream::connect(&front.socket).await.map(drop)
        })
        .await;
        front
    }

    /// A connection to it.
    pub(super) async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).await.expect("it listens")
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _code = self.child.wait();
        // A socket outlives who listened on it.
        let _gone = fs::remove_file(&self.socket);
    }
}

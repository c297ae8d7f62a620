//! The real program in a process of its own, for what only a process has: exit codes, signals, standard output. It gets an
//! environment made here and nothing of the tests' own, and ends with its value.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::app;
use super::client::Client;
use super::database::TestDatabase;
use super::eventually::eventually;
use super::processes::signal;

/// Longest wait for it to start, on a busy machine, unoptimised, with a database that comes and goes.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program with what it will be started with.
pub(crate) struct Program {
    command: Command,
}

/// The program running, whatever it does.
pub(crate) struct Started {
    child: Child,
    output: Arc<Output>,
}

/// The program serving: both of its listeners are up.
pub(crate) struct Process {
    started: Started,
    public: SocketAddr,
    admin: SocketAddr,
}

/// How it ended and what it said.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// All of standard output.
    pub(crate) stdout: String,
    /// All of standard error.
    pub(crate) stderr: String,
}

/// What it has said so far.
#[derive(Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    errors: Mutex<String>,
}

impl Program {
    /// The program with nothing but a folder to be in.
    pub(crate) fn bare(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glasshouse"));
        command.env_clear().current_dir(folder).stdin(Stdio::null());
        Self { command }
    }

    /// The program on this database, on free ports, with a JSON log.
    pub(crate) fn on(database: &TestDatabase) -> Self {
        Self::bare(database.folder())
            .env("DATABASE_URL", database.url())
            .env("GLASSHOUSE_SERVER__PORT", "0")
            .env("GLASSHOUSE_ADMIN__PORT", "0")
            .env("GLASSHOUSE_SERVER__WORKERS", "2")
            // As in process: a limit that adapts to a machine that is busy with other tests would refuse what they ask.
            .env("GLASSHOUSE_SERVER__MIN_IN_FLIGHT", "1024")
            .env("GLASSHOUSE_RATE_LIMIT__REGISTER__RATE", "")
            .env("GLASSHOUSE_RATE_LIMIT__LOGIN__RATE", "")
    }

    /// With a variable in its environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With arguments.
    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// With a signal ignored from its beginning on, by its name without `SIG`: what a shell ignores, so does the program
    /// that takes its place.
    pub(crate) fn ignoring(self, name: &str) -> Self {
        self.after(&format!("trap '' {name}"))
    }

    /// With no more file descriptors than that, ever.
    pub(crate) fn with_descriptors(self, most: u32) -> Self {
        self.after(&format!("ulimit -n {most}"))
    }

    /// In place of a shell that has done this first.
    fn after(mut self, first: &str) -> Self {
        let given = &self.command;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("{first}; exec \"$0\" \"$@\"")])
            .arg(given.get_program())
            .args(given.get_args())
            .env_clear()
            .envs(
                given
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::null());
        if let Some(folder) = given.get_current_dir() {
            command.current_dir(folder);
        }
        self.command = command;
        self
    }

    /// Runs it to its end, with this on its standard input.
    pub(crate) fn run_with_input(mut self, input: &str) -> Finished {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program was built");
        let mut stdin = child.stdin.take().expect("a pipe");
        // One that does not read it may end first.
        let _unread = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Finished {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Finished {
        self.run_with_input("")
    }

    /// Starts it without waiting for anything.
    pub(crate) fn spawn(mut self) -> Started {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program was built");
        let output = Arc::new(Output::default());
        let (stdout, stderr) = (
            child.stdout.take().expect("a pipe"),
            child.stderr.take().expect("a pipe"),
        );
        let (lines, errors) = (Arc::clone(&output), Arc::clone(&output));
        follow(stdout, move |line| lock(&lines.lines).push(line));
        follow(stderr, move |line| {
            lock(&errors.errors).push_str(&(line + "\n"));
        });
        Started { child, output }
    }

    /// Starts it and waits until both listeners are up.
    pub(crate) async fn serve(self) -> Process {
        let mut started = self.spawn();
        let public = started.address(app::Listener::Public).await;
        let admin = started.address(app::Listener::Admin).await;
        Process {
            started,
            public,
            admin,
        }
    }
}

impl Started {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by its name without `SIG`: `TERM`, `INT`, `HUP`, `KILL`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        signal(&[self.pid()], name);
    }

    /// Waits until this listener is up. The admin listener comes first: it answers while migrations run, and when the
    /// database does not.
    pub(crate) async fn address(&mut self, listener: app::Listener) -> SocketAddr {
        let look = async || {
            if let Ok(Some(_)) = self.child.try_wait() {
                panic!("it ended: {:?}", self.wait_exit(PATIENCE).await);
            }
            let lines = self.log();
            let address = lines
                .iter()
                .find_map(|line| app::address_in(line, listener));
            address.ok_or_else(|| self.said())
        };
        eventually(&format!("the {listener:?} listener"), PATIENCE, look).await
    }

    /// The log lines so far. A line that is no JSON is a fault of its own: nothing else belongs on standard output.
    pub(crate) fn log(&self) -> Vec<Value> {
        let read = |line: &String| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
        };
        lock(&self.output.lines).iter().map(read).collect()
    }

    /// Waits for a log line with this message, and gives back the first.
    pub(crate) async fn logged(&self, message: &str) -> Value {
        let what = format!("the log line {message:?}");
        let find = || {
            self.log()
                .into_iter()
                .find(|line| line["message"] == message)
        };
        eventually(&what, PATIENCE, async || find().ok_or_else(|| self.said())).await
    }

    /// Everything that it wrote, standard error last.
    pub(crate) fn said(&self) -> String {
        format!(
            "{}\n{}",
            lock(&self.output.lines).join("\n"),
            lock(&self.output.errors)
        )
    }

    /// Waits until it ends, and its output with it, which takes a moment longer.
    pub(crate) async fn wait_exit(&mut self, deadline: Duration) -> Finished {
        let look = async || self.child.try_wait().expect("a child").ok_or("it runs");
        let status = eventually("the program to end", deadline, look).await;
        let followers = async || Arc::strong_count(&self.output) == 1;
        eventually("the end of its output", PATIENCE, followers).await;
        let mut stdout = lock(&self.output.lines).join("\n");
        if !stdout.is_empty() {
            stdout.push('\n');
        }
        Finished {
            code: status.code(),
            stdout,
            stderr: lock(&self.output.errors).clone(),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _code = self.child.wait();
    }
}

impl Process {
    /// A client of the public listener.
    pub(crate) fn public(&self) -> Client {
        Client::new(self.public)
    }

    /// A client of the admin listener.
    pub(crate) fn admin(&self) -> Client {
        Client::new(self.admin)
    }
}

impl Deref for Process {
    type Target = Started;

    fn deref(&self) -> &Started {
        &self.started
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Started {
        &mut self.started
    }
}

/// Hands over each line as it comes. Ends with the pipe.
fn follow(pipe: impl Read + Send + 'static, mut line: impl FnMut(String) + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "reading a pipe blocks, and a full one would block the program"
    )]
    std::thread::spawn(move || {
        BufReader::new(pipe)
            .lines()
            .map_while(Result::ok)
            .for_each(&mut line);
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Signals to processes and the tree below them, by the commands that every Unix has: no `unsafe`, no crate for it.

use std::process::{Command, Stdio};

/// Sends a signal, by its name without `SIG`. A process that is gone takes none, which is not an error here.
pub(crate) fn signal(pids: &[u32], name: &str) {
    let mut kill = Command::new("kill");
    kill.args(["-s", name, "--"])
        .args(pids.iter().map(u32::to_string))
        .stderr(Stdio::null());
    let _gone = kill.status().expect("`kill` runs");
}

/// The processes below this one, at any depth.
pub(crate) fn descendants(of: u32) -> Vec<u32> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=", "-o", "ppid="])
        .output()
        .expect("`ps` runs");
    let table: Vec<(u32, u32)> = String::from_utf8(output.stdout)
        .expect("numbers")
        .lines()
        .filter_map(|line| {
            let (pid, parent) = line.trim().split_once(char::is_whitespace)?;
            Some((pid.parse().ok()?, parent.trim().parse().ok()?))
        })
        .collect();
    let mut found = vec![of];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(
            table
                .iter()
                .filter(|(_, its)| *its == parent)
                .map(|(pid, _)| *pid),
        );
        at += 1;
    }
    found.split_off(1)
}

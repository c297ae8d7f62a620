//! How many connections there is room for: each takes a file descriptor, and the pool, the admin listener and the files
//! need theirs. With none left, nothing can be accepted, asked or looked at, not even by who wants to see why.

use crate::lifecycle::descriptors;
use crate::settings::Settings;

/// For the admin listener, which takes 256 connections; for standard streams, listeners, collectors and secrets.
const SET_ASIDE: u64 = 256 + 64;

/// For a connection of the pool: SQLite has three files open, PostgreSQL a socket; and one of each while it is replaced.
const FOR_EACH_OF_THE_POOL: u64 = 4;

/// For a worker: its poll, its wakers, and the 64 connections that it may be turning away.
const FOR_EACH_WORKER: u64 = 16 + 64;

/// `server.max_connections`, or fewer where the process may not have as many descriptors; then the log says so.
pub(super) fn connections(settings: &Settings, workers: usize) -> usize {
    let asked = settings.server.max_connections;
    let Some(most) = descriptors::limit() else {
        return asked;
    };
    let pool = u64::try_from(settings.database.max_connections).unwrap_or(u64::MAX);
    let room = room(most, pool, u64::try_from(workers).unwrap_or(u64::MAX));
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < asked {
        tracing::warn!(
            server.max_connections = asked,
            server.connections = room,
            process.max_fds = most,
            "fewer connections than server.max_connections: too few file descriptors"
        );
    }
    room.min(asked)
}

/// What is left for connections, and at least a quarter.
fn room(most: u64, pool: u64, workers: u64) -> u64 {
    let others = SET_ASIDE
        .saturating_add(pool.saturating_mul(FOR_EACH_OF_THE_POOL))
        .saturating_add(workers.saturating_mul(FOR_EACH_WORKER));
    most.saturating_sub(others).max(most / 4)
}

#[cfg(test)]
mod tests {
    use super::room;

    #[test]
    fn the_pool_and_the_admin_listener_keep_theirs() {
        for (most, pool, workers, expected) in [
            (1_024, 16, 2, 480),
            (20_000, 16, 4, 19_296),
            (400, 16, 2, 100),
            (8, 16, 2, 2),
            (u64::MAX, u64::MAX, u64::MAX, u64::MAX / 4),
        ] {
            assert_eq!(room(most, pool, workers), expected, "{most}");
        }
    }
}

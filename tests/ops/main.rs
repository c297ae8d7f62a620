//! What operators see and do: the admin listener as they reach it, over a socket.

// clippy.toml's leave for tests to unwrap reaches their helpers only through this.
#![cfg(test)]

mod admin;

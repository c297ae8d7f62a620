//! Fuzzes cursors of lists: `make fuzz TARGET=cursor`.
#![no_main]

#[path = "../properties/cursor.rs"]
mod cursor;

libfuzzer_sys::fuzz_target!(|data: &[u8]| cursor::holds(data));

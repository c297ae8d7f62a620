//! Fuzzes what a problem document may hold: `make fuzz TARGET=problem`.
#![no_main]

#[path = "../properties/problem.rs"]
mod problem;

libfuzzer_sys::fuzz_target!(|data: &[u8]| problem::holds(data));

//! Fuzzes values of the `Idempotency-Key` header: `make fuzz TARGET=idempotency_key`.
#![no_main]

#[path = "../properties/idempotency_key.rs"]
mod idempotency_key;

libfuzzer_sys::fuzz_target!(|data: &[u8]| idempotency_key::holds(data));

#![no_main]

#[path = "../checks/wal.rs"]
mod wal_checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| wal_checks::record(data));

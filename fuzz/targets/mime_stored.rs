//! Any bytes as a stored summary: refused, or read without harm.
#![no_main]

#[path = "../checks/mime.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::stored(bytes));

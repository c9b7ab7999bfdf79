//! Any bytes as a message: the summary's ranges lie inside it and nest, and its wire values are whole.
#![no_main]

#[path = "../checks/mime.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::message(bytes));

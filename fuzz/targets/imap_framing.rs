#![no_main]

#[path = "../checks/imap.rs"]
mod imap;

libfuzzer_sys::fuzz_target!(|data: &[u8]| imap::framing(data));

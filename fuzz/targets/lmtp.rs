#![no_main]

#[path = "../checks/lmtp.rs"]
mod lmtp;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lmtp::check(data);
});

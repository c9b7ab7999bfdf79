//! Any bytes as the client's side of an LMTP session: no panic, bounded buffers, the same events
//! however the bytes are cut.
#![no_main]

#[path = "../../crates/lmtp-wire/tests/session/mod.rs"]
mod session;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    session::check(bytes);
});

#![no_main]

#[path = "../checks/sasl.rs"]
mod sasl;

libfuzzer_sys::fuzz_target!(|data: &[u8]| sasl::exchange(data));

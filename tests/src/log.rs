//! What a test says beside passing or failing.

/// Writes a line to where the test runner collects it.
#[expect(
    clippy::print_stderr,
    reason = "the test runner captures it and shows it with a failure"
)]
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Ends the test with a reason.
#[expect(clippy::panic, reason = "a test fails by panicking")]
pub fn fail(reason: &str) -> ! {
    panic!("{reason}")
}

//! Turns a panic of an engine into a value.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::LossCause;

/// Runs `call`; a panic inside becomes [`LossCause::Panicked`].
///
/// What `call` touched may be half changed afterwards. That is sound only because the caller gives up the
/// whole shelf on a loss and never looks at it again.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, LossCause> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| LossCause::Panicked(message(payload.as_ref())))
}

/// Returns the text of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_keeps_its_message() {
        let lost: Result<(), _> = guarded(|| panic!("page {} is torn", 7));
        assert_eq!(lost, Err(LossCause::Panicked("page 7 is torn".to_owned())));
        assert_eq!(guarded(|| 5), Ok(5));
    }
}

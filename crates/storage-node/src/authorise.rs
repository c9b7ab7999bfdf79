//! The one place where it is decided who may do what. Everything is refused that is not allowed here.

use mailstore::ports::Caller;
use mailstore::{GroupId, StoreError};

use crate::node::Node;

/// What a call wants to do with an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Right {
    /// Reads mail.
    Read,
    /// Changes mail or mailboxes.
    Change,
    /// Changes the account as such. No mail session may: administrators do not come this way.
    Administer,
}

impl Node {
    /// Checks that the caller's token is genuine, of this account and session, and not run out, and that the session
    /// was not ended here, and returns the account's group.
    ///
    /// # Errors
    /// [`StoreError::Unauthorized`], whatever is wrong.
    pub(crate) fn authorise(&self, caller: &Caller, right: Right) -> Result<GroupId, StoreError> {
        match right {
            Right::Read | Right::Change => {}
            Right::Administer => return Err(StoreError::Unauthorized),
        }
        let now = self.steady_now();
        if !self.tokens().admits(caller, now) || self.sessions_registry().has_ended(caller.session) {
            return Err(StoreError::Unauthorized);
        }
        Ok(self.group_of(caller.account))
    }
}

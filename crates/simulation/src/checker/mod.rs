//! What every history must satisfy (RELIABILITY.md §1), decided from what clients saw alone.
//!
//! [`Linearizer`] keeps all states that an account may be in after what was answered so far, commands
//! without an answer counting as done or not done; when none is left, no order of the commands explains
//! what clients saw. [`Facts`] keeps what holds whatever the order is: a UID names one message for ever,
//! and counters never go back.

mod facts;
mod linearizer;
mod model;
mod operation;

pub use facts::{Client, Facts};
pub use linearizer::{Linearizer, OperationId, Unexplained};
pub use model::{AccountModel, MailboxModel, MessageModel};
pub use operation::{Observed, Operation};

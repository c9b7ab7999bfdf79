//! What sessions of one process share: views of mailboxes and watches on them.

pub(crate) mod looks;
pub(crate) mod recent;
pub(crate) mod snapshot;
pub(crate) mod view_cache;
pub(crate) mod watch_hub;

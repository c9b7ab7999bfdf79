//! The one place that turns an error of the storage into what a client may know of it.

use imap_wire::response::ResponseCode;
use mailstore::name::NameError;
use mailstore::{Rejection, StoreError};

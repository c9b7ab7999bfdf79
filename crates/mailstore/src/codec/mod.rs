//! The stored and wire form of entries, replies, events, questions and answers.
//!
//! Every pair of functions is checked both ways: what is encoded decodes to an equal value, and bytes
//! that name an unknown kind, miss a field, or break a bound are an error, never a guess. An entry of
//! an unknown kind must stop the replica that meets it (see [`DecodeError`]).
//!
//! The forms are protobuf, so that older and newer versions can read each other; the generated types
//! are private to this crate.

mod account;
mod delivery;
mod entry;
pub(crate) mod field;
mod mailbox;
mod question;
mod reply;
mod search;
mod session;
mod slots;
mod status;
#[cfg(test)]
mod tests;

use bytes::{Buf, Bytes};
use prost::Message as _;

use crate::account::Account;
use crate::address::AddressRecord;
use crate::command::{Command, Entry, Subject};
use crate::error::{DecodeError, Rejection, StoreError};
use crate::event::Event;
use crate::ids::RequestId;
use crate::ports;
use crate::query;
use crate::reply::Reply;
use crate::search::{SearchProgram, SearchResult};
use crate::slots::{InstallRows, SlotCommand, SlotSet};
use crate::uid_set::UidSet;

pub(crate) use field::required;

/// The generated types.
pub(crate) mod proto {
    #![allow(
        clippy::all,
        missing_docs,
        reason = "generated from proto/facteur/mailstore/v1"
    )]
    include!(concat!(env!("OUT_DIR"), "/facteur.mailstore.v1.rs"));
}

/// Largest encoded value that is decoded. The states of four million messages fit.
pub const ENCODED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The version of the form of [`Entry`] that is written, and the newest that is read.
pub const ENTRY_FORMAT: u32 = 1;

/// The result of applying a command, as it is kept with the request id and sent to the proxy.
pub type Outcome = Result<Reply, Rejection>;

/// The result of looking for a recipient.
pub type Resolution = Result<ports::Recipient, ports::RecipientRefusal>;

fn decode<P, T>(bytes: impl Buf) -> Result<T, DecodeError>
where
    P: prost::Message + Default,
    T: TryFrom<P, Error = DecodeError>,
{
    if bytes.remaining() > ENCODED_BYTES_MAX {
        return Err(DecodeError::TooLarge);
    }
    P::decode(bytes)
        .map_err(|error| DecodeError::Malformed(error.to_string()))?
        .try_into()
}

/// Makes the public pair of functions for each type of the table.
macro_rules! forms {
    ($($encode:ident $decode:ident $what:literal $type:ty => $proto:ident;)*) => {$(
        #[doc = concat!("Returns the encoded form of ", $what, ".")]
        #[must_use]
        pub fn $encode(value: &$type) -> Bytes {
            proto::$proto::from(value).encode_to_vec().into()
        }

        #[doc = concat!("Reads the encoded form of ", $what, ".")]
        ///
        /// # Errors
        /// When the bytes are not exactly that: see [`DecodeError`].
        pub fn $decode(bytes: impl Buf) -> Result<$type, DecodeError> {
            decode::<proto::$proto, _>(bytes)
        }
    )*};
}

forms! {
    encode_entry decode_entry "a log entry" Entry => Entry;
    encode_subject decode_subject "what an entry changes" Subject => Subject;
    encode_command decode_command "a command" Command => Command;
    encode_slot_set decode_slot_set "a set of slots" SlotSet => SlotSet;
    encode_slot_command decode_slot_command "a step of a move of slots" SlotCommand => SlotCommand;
    encode_copied_rows decode_copied_rows "a piece of a copy" InstallRows => InstallRows;
    encode_request_id decode_request_id "the id of a request" RequestId => RequestId;
    encode_reply decode_reply "a reply" Reply => Reply;
    encode_rejection decode_rejection "a rejection" Rejection => RejectionMessage;
    encode_store_error decode_store_error "an error" StoreError => StoreError;
    encode_event decode_event "an event" Event => Event;
    encode_uid_set decode_uid_set "a set of UIDs" UidSet => UidSet;
    encode_mailbox_tree decode_mailbox_tree "a tree of mailboxes" query::MailboxTree => MailboxTree;
    encode_mailbox_changes decode_mailbox_changes "the changes of a mailbox"
        query::MailboxChanges => MailboxChanges;
    encode_mailbox_ref decode_mailbox_ref "a reference to a mailbox" query::MailboxRef => MailboxRef;
    encode_message_parts decode_message_parts "the parts asked for" query::MessageParts => MessageParts;
    encode_message_answer decode_message_answer "one message" query::MessageAnswer => MessageAnswer;
    encode_content_range decode_content_range "a range of content" query::ContentRange => ContentRange;
    encode_content_chunk decode_content_chunk "a piece of content" query::ContentChunk => ContentChunk;
    encode_quota decode_quota "limits and use" query::Quota => Quota;
    encode_account decode_account "an account" Account => Account;
    encode_account_info decode_account_info "an account for its administrator"
        query::AccountInfo => AccountInfo;
    encode_address_record decode_address_record "an address record" AddressRecord => AddressRecord;
    encode_search_program decode_search_program "a search" SearchProgram => SearchProgram;
    encode_search_result decode_search_result "the result of a search" SearchResult => SearchResult;
    encode_caller decode_caller "who makes a call" ports::Caller => Caller;
    encode_login_request decode_login_request "the start of a login" ports::LoginRequest => LoginRequest;
    encode_login decode_login "a successful login" ports::Login => Login;
    encode_sasl_outcome decode_sasl_outcome "what follows a SASL message"
        ports::SaslOutcome => SaslOutcome;
    encode_session_notice decode_session_notice "a notice to a session"
        ports::SessionNotice => SessionNotice;
    encode_session_info decode_session_info "a session of the registry" ports::SessionInfo => SessionInfo;
    encode_account_selector decode_account_selector "the name of an account"
        ports::AccountSelector => AccountSelector;
    encode_account_add decode_account_add "a new account as asked for" ports::AccountAdd => AccountAdd;
    encode_secret_change decode_secret_change "a new password" ports::SecretChange => SecretChange;
    encode_node_status decode_node_status "the state of a node" ports::NodeStatus => NodeStatus;
    encode_recipient decode_recipient "a recipient" ports::Recipient => Recipient;
    encode_delivery_envelope decode_delivery_envelope "the envelope of a delivery"
        ports::DeliveryEnvelope => DeliveryEnvelope;
    encode_stored_blob decode_stored_blob "the name of stored content" ports::StoredBlob => StoredBlob;
    encode_delivered decode_delivered "the result of a delivery" ports::Delivered => Delivered;
    encode_outcome decode_outcome "the outcome of a command" Outcome => Outcome;
    encode_resolution decode_resolution "the result of looking for a recipient"
        Resolution => Resolution;
}

/// Makes the public pair of functions for lists.
macro_rules! lists {
    ($($encode:ident $decode:ident $what:literal $type:ty => $proto:ident;)*) => {$(
        #[doc = concat!("Returns the encoded form of ", $what, ".")]
        #[must_use]
        pub fn $encode(values: &[$type]) -> Bytes {
            proto::$proto::from(values).encode_to_vec().into()
        }

        #[doc = concat!("Reads the encoded form of ", $what, ".")]
        ///
        /// # Errors
        /// When the bytes are not exactly that: see [`DecodeError`].
        pub fn $decode(bytes: impl Buf) -> Result<Vec<$type>, DecodeError> {
            decode::<proto::$proto, _>(bytes)
        }
    )*};
}

lists! {
    encode_message_answers decode_message_answers "a batch of messages"
        query::MessageAnswer => MessageAnswers;
    encode_content_ranges decode_content_ranges "ranges of content" query::ContentRange => ContentRanges;
    encode_session_infos decode_session_infos "sessions of the registry"
        ports::SessionInfo => SessionInfos;
    encode_node_statuses decode_node_statuses "the state of several nodes"
        ports::NodeStatus => NodeStatuses;
}

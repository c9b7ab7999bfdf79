//! Errors to gRPC statuses and back.

use mailstore::codec::{decode_store_error, encode_store_error};
use mailstore::error::DecodeError;
use mailstore::{ErrorKind, StoreError};
use tonic::{Code, Status};

/// Returns the status that carries an error: a code for people and proxies, and the very error in its
/// details for [`store_error`].
pub(crate) fn status(error: &StoreError) -> Status {
    let details = encode_store_error(error);
    // What is ours to mend is for our log, not for the other side.
    let message = match error.kind() {
        ErrorKind::Internal => {
            tracing::error!(%error, "call failed");
            "internal error".to_owned()
        }
        ErrorKind::Client | ErrorKind::Passing => error.to_string(),
    };
    Status::with_details(code(error), message, details)
}

fn code(error: &StoreError) -> Code {
    match error {
        StoreError::Rejected(_) => Code::FailedPrecondition,
        StoreError::Unauthorized => Code::PermissionDenied,
        StoreError::Unavailable(_) | StoreError::NotLeader { .. } | StoreError::WrongGroup { .. } => {
            Code::Unavailable
        }
        StoreError::Overloaded | StoreError::NoSpace | StoreError::Limit(_) => Code::ResourceExhausted,
        StoreError::OutcomeUnknown => Code::DeadlineExceeded,
        StoreError::ContentUnavailable => Code::DataLoss,
        StoreError::Internal(_) => Code::Internal,
    }
}

/// Returns the error that a status carries. A status that is not of our making stands for a connection
/// that failed: whether the call took effect is not known, so it may only be repeated under its request
/// id.
pub(crate) fn store_error(status: &Status) -> StoreError {
    if !status.details().is_empty()
        && let Ok(error) = decode_store_error(status.details())
    {
        return error;
    }
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted | Code::Unknown => {
            StoreError::OutcomeUnknown
        }
        Code::PermissionDenied | Code::Unauthenticated => StoreError::Unauthorized,
        Code::ResourceExhausted => StoreError::Overloaded,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => StoreError::Internal(format!("unexpected status: {status}")),
    }
}

/// Returns the status for a request that cannot be read.
pub(crate) fn unreadable(error: &DecodeError) -> Status {
    Status::invalid_argument(error.to_string())
}

/// Returns the error for an answer that cannot be read.
pub(crate) fn unreadable_answer(error: &DecodeError) -> StoreError {
    StoreError::Internal(format!("unreadable answer: {error}"))
}

#[cfg(test)]
mod tests {
    use mailstore::Rejection;

    use super::*;

    #[test]
    fn every_error_comes_back_as_it_was() {
        let errors = [
            StoreError::Rejected(Rejection::OverQuota),
            StoreError::Unauthorized,
            StoreError::NotLeader {
                hint: Some("storage-2".into()),
            },
            StoreError::NotLeader { hint: None },
            StoreError::WrongGroup {
                epoch: 7,
                group: Some(mailstore::GroupId(3)),
            },
            StoreError::Overloaded,
            StoreError::NoSpace,
            StoreError::OutcomeUnknown,
            StoreError::ContentUnavailable,
            StoreError::Internal("disk".into()),
        ];
        for error in errors {
            assert_eq!(store_error(&status(&error)), error);
        }
    }

    #[test]
    fn a_broken_connection_leaves_the_outcome_unknown() {
        assert_eq!(
            store_error(&Status::unavailable("connection reset")),
            StoreError::OutcomeUnknown
        );
    }

    #[test]
    fn internal_detail_stays_out_of_the_message() {
        assert_eq!(
            status(&StoreError::Internal("secret".into())).message(),
            "internal error"
        );
    }
}

//! Delivery.

use super::field::{account_id, address, bytes_of, fixed};
use super::reply::{rejection, rejection_number};
use super::{Resolution, proto};
use crate::error::DecodeError;
use crate::ids::BlobId;
use crate::ports::{Delivered, DeliveryEnvelope, Recipient, RecipientRefusal, StoredBlob};

impl From<&Recipient> for proto::Recipient {
    fn from(recipient: &Recipient) -> Self {
        Self {
            address: recipient.address.as_str().to_owned(),
            account: bytes_of(&recipient.account.0),
            detail: recipient.detail.clone(),
        }
    }
}

impl TryFrom<proto::Recipient> for Recipient {
    type Error = DecodeError;

    fn try_from(recipient: proto::Recipient) -> Result<Self, DecodeError> {
        Ok(Self {
            address: address(&recipient.address)?,
            account: account_id(&recipient.account)?,
            detail: recipient.detail,
        })
    }
}

impl From<&Resolution> for proto::Resolution {
    fn from(resolution: &Resolution) -> Self {
        use proto::resolution::Kind;
        let kind = match resolution {
            Ok(recipient) => Kind::Recipient(recipient.into()),
            Err(refusal) => Kind::Refusal(
                match refusal {
                    RecipientRefusal::Unknown => proto::RecipientRefusal::Unknown,
                    RecipientRefusal::OverQuota => proto::RecipientRefusal::OverQuota,
                    RecipientRefusal::NoSpace => proto::RecipientRefusal::NoSpace,
                    RecipientRefusal::Temporary => proto::RecipientRefusal::Temporary,
                }
                .into(),
            ),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<proto::Resolution> for Resolution {
    type Error = DecodeError;

    fn try_from(resolution: proto::Resolution) -> Result<Self, DecodeError> {
        use proto::resolution::Kind;
        const UNKNOWN: DecodeError = DecodeError::Unknown("resolution");
        Ok(match resolution.kind.ok_or(UNKNOWN)? {
            Kind::Recipient(recipient) => Ok(recipient.try_into()?),
            Kind::Refusal(number) => Err(
                match proto::RecipientRefusal::try_from(number).map_err(|_| UNKNOWN)? {
                    proto::RecipientRefusal::Unspecified => return Err(UNKNOWN),
                    proto::RecipientRefusal::Unknown => RecipientRefusal::Unknown,
                    proto::RecipientRefusal::OverQuota => RecipientRefusal::OverQuota,
                    proto::RecipientRefusal::NoSpace => RecipientRefusal::NoSpace,
                    proto::RecipientRefusal::Temporary => RecipientRefusal::Temporary,
                },
            ),
        })
    }
}

impl From<&DeliveryEnvelope> for proto::DeliveryEnvelope {
    fn from(envelope: &DeliveryEnvelope) -> Self {
        Self {
            sender: envelope.sender.clone(),
            transaction: bytes_of(&envelope.transaction),
        }
    }
}

impl TryFrom<proto::DeliveryEnvelope> for DeliveryEnvelope {
    type Error = DecodeError;

    fn try_from(envelope: proto::DeliveryEnvelope) -> Result<Self, DecodeError> {
        Ok(Self {
            sender: envelope.sender,
            transaction: fixed(&envelope.transaction, "transaction")?,
        })
    }
}

impl From<&Delivered> for proto::Delivered {
    fn from(delivered: &Delivered) -> Self {
        use proto::delivered::Kind;
        Self {
            kind: Some(match delivered {
                Delivered::Done => Kind::Done(proto::Unit {}),
                Delivered::Refused(rejection) => Kind::Refused(rejection_number(rejection)),
                Delivered::Later(error) => Kind::Later(error.into()),
            }),
        }
    }
}

impl TryFrom<proto::Delivered> for Delivered {
    type Error = DecodeError;

    fn try_from(delivered: proto::Delivered) -> Result<Self, DecodeError> {
        use proto::delivered::Kind;
        Ok(match delivered.kind.ok_or(DecodeError::Unknown("delivery"))? {
            Kind::Done(_) => Self::Done,
            Kind::Refused(number) => Self::Refused(rejection(number)?),
            Kind::Later(error) => Self::Later(error.try_into()?),
        })
    }
}

impl From<&StoredBlob> for proto::StoredBlob {
    fn from(stored: &StoredBlob) -> Self {
        Self {
            blob: bytes_of(&stored.blob.0),
            size: stored.size,
        }
    }
}

impl TryFrom<proto::StoredBlob> for StoredBlob {
    type Error = DecodeError;

    fn try_from(stored: proto::StoredBlob) -> Result<Self, DecodeError> {
        Ok(Self {
            blob: BlobId(fixed(&stored.blob, "blob")?),
            size: stored.size,
        })
    }
}

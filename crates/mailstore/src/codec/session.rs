//! Callers, logins and sessions.

use std::net::IpAddr;

use super::field::{account_id, address, all, bytes_of, each, fixed, required};
use super::proto;
use crate::error::DecodeError;
use crate::ids::SessionId;
use crate::ports::{
    Caller, ChannelBinding, Login, LoginFailure, LoginRequest, SaslOutcome, SessionInfo, SessionNotice,
};
use crate::time::Timestamp;

impl From<&Caller> for proto::Caller {
    fn from(caller: &Caller) -> Self {
        Self {
            account: bytes_of(&caller.account.0),
            session: bytes_of(&caller.session.0),
            token: caller.token.clone(),
        }
    }
}

impl TryFrom<proto::Caller> for Caller {
    type Error = DecodeError;

    fn try_from(caller: proto::Caller) -> Result<Self, DecodeError> {
        Ok(Self {
            account: account_id(&caller.account)?,
            session: SessionId(fixed(&caller.session, "session")?),
            token: caller.token,
            // Never believed from the wire: whoever receives the call fills it in.
            presenter: "".into(),
        })
    }
}

const IMAP: &str = "imap";
const POP3: &str = "pop3";
const MANAGESIEVE: &str = "managesieve";

fn protocol(text: &str) -> proto::Protocol {
    match text {
        IMAP => proto::Protocol::Imap,
        POP3 => proto::Protocol::Pop3,
        MANAGESIEVE => proto::Protocol::Managesieve,
        _ => proto::Protocol::Unspecified,
    }
}

fn protocol_text(protocol: proto::Protocol) -> Result<&'static str, DecodeError> {
    match protocol {
        proto::Protocol::Unspecified => Err(DecodeError::Unknown("protocol")),
        proto::Protocol::Imap => Ok(IMAP),
        proto::Protocol::Pop3 => Ok(POP3),
        proto::Protocol::Managesieve => Ok(MANAGESIEVE),
    }
}

impl From<&LoginRequest> for proto::LoginRequest {
    fn from(request: &LoginRequest) -> Self {
        Self {
            user: request.user.clone(),
            mechanism: request.mechanism.clone(),
            protocol: protocol(request.protocol).into(),
            peer: match request.peer {
                IpAddr::V4(address) => bytes_of(&address.octets()),
                IpAddr::V6(address) => bytes_of(&address.octets()),
            },
            secure: request.secure,
            binding: Some(proto::ChannelBinding {
                tls_exporter: request.binding.tls_exporter.clone(),
                tls_server_end_point: request.binding.tls_server_end_point.clone(),
            }),
            proxy: request.proxy.to_string(),
        }
    }
}

impl TryFrom<proto::LoginRequest> for LoginRequest {
    type Error = DecodeError;

    fn try_from(request: proto::LoginRequest) -> Result<Self, DecodeError> {
        let binding = request.binding.as_ref().ok_or(DecodeError::Missing("binding"))?;
        Ok(Self {
            protocol: protocol_text(request.protocol())?,
            peer: peer(&request.peer)?,
            secure: request.secure,
            binding: ChannelBinding {
                tls_exporter: binding.tls_exporter.clone(),
                tls_server_end_point: binding.tls_server_end_point.clone(),
            },
            user: request.user,
            mechanism: request.mechanism,
            proxy: request.proxy.into(),
        })
    }
}

fn peer(octets: &[u8]) -> Result<IpAddr, DecodeError> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Ok(octets.into());
    }
    fixed::<16>(octets, "peer").map(IpAddr::from)
}

impl From<&Login> for proto::Login {
    fn from(login: &Login) -> Self {
        Self {
            account: bytes_of(&login.account.0),
            address: login.address.as_str().to_owned(),
            session: bytes_of(&login.session.0),
            token: login.token.clone(),
            proxy: login.proxy.to_string(),
        }
    }
}

impl TryFrom<proto::Login> for Login {
    type Error = DecodeError;

    fn try_from(login: proto::Login) -> Result<Self, DecodeError> {
        Ok(Self {
            account: account_id(&login.account)?,
            address: address(&login.address)?,
            session: SessionId(fixed(&login.session, "session")?),
            token: login.token,
            proxy: login.proxy.into(),
        })
    }
}

impl From<LoginFailure> for proto::LoginFailure {
    fn from(failure: LoginFailure) -> Self {
        match failure {
            LoginFailure::Credentials => Self::Credentials,
            LoginFailure::Malformed => Self::Malformed,
            LoginFailure::Mechanism => Self::Mechanism,
            LoginFailure::Limited => Self::Limited,
            LoginFailure::TooManySessions => Self::TooManySessions,
            LoginFailure::Cancelled => Self::Cancelled,
        }
    }
}

impl TryFrom<proto::LoginFailure> for LoginFailure {
    type Error = DecodeError;

    fn try_from(failure: proto::LoginFailure) -> Result<Self, DecodeError> {
        match failure {
            proto::LoginFailure::Unspecified => Err(DecodeError::Unknown("login failure")),
            proto::LoginFailure::Credentials => Ok(Self::Credentials),
            proto::LoginFailure::Malformed => Ok(Self::Malformed),
            proto::LoginFailure::Mechanism => Ok(Self::Mechanism),
            proto::LoginFailure::Limited => Ok(Self::Limited),
            proto::LoginFailure::TooManySessions => Ok(Self::TooManySessions),
            proto::LoginFailure::Cancelled => Ok(Self::Cancelled),
        }
    }
}

impl From<&SaslOutcome> for proto::SaslOutcome {
    fn from(outcome: &SaslOutcome) -> Self {
        use proto::sasl_outcome::Kind;
        let kind = match outcome {
            SaslOutcome::Challenge(bytes) => Kind::Challenge(bytes.clone()),
            SaslOutcome::Success { login, additional } => Kind::Success(proto::SaslSuccess {
                login: Some(login.into()),
                additional: additional.clone(),
            }),
            SaslOutcome::Failure(failure) => Kind::Failure(proto::LoginFailure::from(*failure).into()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<proto::SaslOutcome> for SaslOutcome {
    type Error = DecodeError;

    fn try_from(outcome: proto::SaslOutcome) -> Result<Self, DecodeError> {
        use proto::sasl_outcome::Kind;
        const UNKNOWN: DecodeError = DecodeError::Unknown("SASL outcome");
        Ok(match outcome.kind.ok_or(UNKNOWN)? {
            Kind::Challenge(bytes) => Self::Challenge(bytes),
            Kind::Success(success) => Self::Success {
                login: required(success.login, "login")?,
                additional: success.additional,
            },
            Kind::Failure(number) => Self::Failure(
                proto::LoginFailure::try_from(number)
                    .map_err(|_| UNKNOWN)?
                    .try_into()?,
            ),
        })
    }
}

/// What a session is told whose reason this version does not know.
const ENDED: &str = "session ended by the server";

/// The reasons for which sessions are ended. Others are replaced when read.
pub const SESSION_END_REASONS: [&str; 6] = [
    ENDED,
    "kicked by the administrator",
    "account suspended",
    "account removed",
    "password changed",
    "token expired",
];

impl From<&SessionNotice> for proto::SessionNotice {
    fn from(notice: &SessionNotice) -> Self {
        use proto::session_notice::Kind;
        Self {
            kind: Some(match notice {
                SessionNotice::TokenRenewed(token) => Kind::TokenRenewed(token.clone()),
                SessionNotice::Ended(reason) => Kind::Ended((*reason).to_owned()),
            }),
        }
    }
}

impl TryFrom<proto::SessionNotice> for SessionNotice {
    type Error = DecodeError;

    fn try_from(notice: proto::SessionNotice) -> Result<Self, DecodeError> {
        use proto::session_notice::Kind;
        Ok(match notice.kind.ok_or(DecodeError::Unknown("session notice"))? {
            Kind::TokenRenewed(token) => Self::TokenRenewed(token),
            Kind::Ended(text) => {
                let known = SESSION_END_REASONS.into_iter().find(|reason| *reason == text);
                Self::Ended(known.unwrap_or(ENDED))
            }
        })
    }
}

impl From<&SessionInfo> for proto::SessionInfo {
    fn from(info: &SessionInfo) -> Self {
        Self {
            session: bytes_of(&info.session.0),
            account: bytes_of(&info.account.0),
            address: info.address.as_str().to_owned(),
            protocol: info.protocol.clone(),
            peer: info.peer.clone(),
            proxy: info.proxy.clone(),
            since: info.since.0,
        }
    }
}

impl TryFrom<proto::SessionInfo> for SessionInfo {
    type Error = DecodeError;

    fn try_from(info: proto::SessionInfo) -> Result<Self, DecodeError> {
        Ok(Self {
            session: SessionId(fixed(&info.session, "session")?),
            account: account_id(&info.account)?,
            address: address(&info.address)?,
            protocol: info.protocol,
            peer: info.peer,
            proxy: info.proxy,
            since: Timestamp(info.since),
        })
    }
}

impl From<&[SessionInfo]> for proto::SessionInfos {
    fn from(sessions: &[SessionInfo]) -> Self {
        Self {
            sessions: all(sessions),
        }
    }
}

impl TryFrom<proto::SessionInfos> for Vec<SessionInfo> {
    type Error = DecodeError;

    fn try_from(sessions: proto::SessionInfos) -> Result<Self, DecodeError> {
        each(sessions.sessions)
    }
}

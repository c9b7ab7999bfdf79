//! Capabilities, as announced and as gates of commands.

use crate::encode::number;

/// A capability of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// `IMAP4rev1` (RFC 3501)
    Imap4Rev1,
    /// `IMAP4rev2` (RFC 9051)
    Imap4Rev2,
    /// `STARTTLS` (RFC 3501 §6.2.1)
    StartTls,
    /// `LOGINDISABLED` (RFC 3501 §6.2.3)
    LoginDisabled,
    /// `AUTH=` and a mechanism (RFC 3501 §6.1.1)
    Auth(SaslMechanism),
    /// `SASL-IR` (RFC 4959)
    SaslIr,
    /// `LITERAL+` (RFC 7888)
    LiteralPlus,
    /// `LITERAL-` (RFC 7888)
    LiteralMinus,
    /// `IDLE` (RFC 2177)
    Idle,
    /// `NAMESPACE` (RFC 2342)
    Namespace,
    /// `ID` (RFC 2971)
    Id,
    /// `ENABLE` (RFC 5161)
    Enable,
    /// `UNSELECT` (RFC 3691)
    Unselect,
    /// `UIDPLUS` (RFC 4315)
    UidPlus,
    /// `MOVE` (RFC 6851)
    Move,
    /// `CHILDREN` (RFC 3348)
    Children,
    /// `LIST-EXTENDED` (RFC 5258)
    ListExtended,
    /// `LIST-STATUS` (RFC 5819)
    ListStatus,
    /// `SPECIAL-USE` (RFC 6154)
    SpecialUse,
    /// `CREATE-SPECIAL-USE` (RFC 6154)
    CreateSpecialUse,
    /// `XLIST`, Google's forerunner of SPECIAL-USE
    XList,
    /// `ESEARCH` (RFC 4731)
    ESearch,
    /// `SEARCHRES` (RFC 5182)
    SearchRes,
    /// `WITHIN` (RFC 5032)
    Within,
    /// `STATUS=SIZE` (RFC 8438)
    StatusSize,
    /// `CONDSTORE` (RFC 7162)
    CondStore,
    /// `QRESYNC` (RFC 7162)
    QResync,
    /// `QUOTA` (RFC 9208)
    Quota,
    /// `QUOTASET` (RFC 9208)
    QuotaSet,
    /// `QUOTA=RES-STORAGE` (RFC 9208)
    QuotaResStorage,
    /// `QUOTA=RES-MESSAGE` (RFC 9208)
    QuotaResMessage,
    /// `QUOTA=RES-MAILBOX` (RFC 9208)
    QuotaResMailbox,
    /// `APPENDLIMIT` or `APPENDLIMIT=n` (RFC 7889)
    AppendLimit(Option<u32>),
    /// `COMPRESS=DEFLATE` (RFC 4978)
    CompressDeflate,
    /// `UTF8=ACCEPT` (RFC 9755)
    Utf8Accept,
    /// `OBJECTID` (RFC 8474)
    ObjectId,
    /// `MULTIAPPEND` (RFC 3502)
    MultiAppend,
    /// `BINARY` (RFC 3516)
    Binary,
}

/// A SASL mechanism that the server announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SaslMechanism {
    /// `PLAIN` (RFC 4616)
    Plain,
    /// `LOGIN`, an expired draft that Outlook still uses
    Login,
    /// `SCRAM-SHA-256` (RFC 7677)
    ScramSha256,
    /// `SCRAM-SHA-256-PLUS` (RFC 7677)
    ScramSha256Plus,
    /// `EXTERNAL` (RFC 4422 appendix A)
    External,
    /// `OAUTHBEARER` (RFC 7628)
    OAuthBearer,
    /// `XOAUTH2`, Google's forerunner of OAUTHBEARER
    XOAuth2,
}

impl SaslMechanism {
    /// Returns the mechanism's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::External => "EXTERNAL",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
        }
    }
}

impl Capability {
    /// Appends the capability as CAPABILITY lists it.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name().as_bytes());
        match self {
            Self::Auth(mechanism) => out.extend_from_slice(mechanism.name().as_bytes()),
            Self::AppendLimit(Some(limit)) => {
                out.push(b'=');
                number(out, u64::from(limit));
            }
            _ => {}
        }
    }

    /// Returns the name, up to and with the `=` before a parameter that varies.
    fn name(self) -> &'static str {
        match self {
            Self::Imap4Rev1 => "IMAP4rev1",
            Self::Imap4Rev2 => "IMAP4rev2",
            Self::StartTls => "STARTTLS",
            Self::LoginDisabled => "LOGINDISABLED",
            Self::Auth(_) => "AUTH=",
            Self::SaslIr => "SASL-IR",
            Self::LiteralPlus => "LITERAL+",
            Self::LiteralMinus => "LITERAL-",
            Self::Idle => "IDLE",
            Self::Namespace => "NAMESPACE",
            Self::Id => "ID",
            Self::Enable => "ENABLE",
            Self::Unselect => "UNSELECT",
            Self::UidPlus => "UIDPLUS",
            Self::Move => "MOVE",
            Self::Children => "CHILDREN",
            Self::ListExtended => "LIST-EXTENDED",
            Self::ListStatus => "LIST-STATUS",
            Self::SpecialUse => "SPECIAL-USE",
            Self::CreateSpecialUse => "CREATE-SPECIAL-USE",
            Self::XList => "XLIST",
            Self::ESearch => "ESEARCH",
            Self::SearchRes => "SEARCHRES",
            Self::Within => "WITHIN",
            Self::StatusSize => "STATUS=SIZE",
            Self::CondStore => "CONDSTORE",
            Self::QResync => "QRESYNC",
            Self::Quota => "QUOTA",
            Self::QuotaSet => "QUOTASET",
            Self::QuotaResStorage => "QUOTA=RES-STORAGE",
            Self::QuotaResMessage => "QUOTA=RES-MESSAGE",
            Self::QuotaResMailbox => "QUOTA=RES-MAILBOX",
            Self::AppendLimit(_) => "APPENDLIMIT",
            Self::CompressDeflate => "COMPRESS=DEFLATE",
            Self::Utf8Accept => "UTF8=ACCEPT",
            Self::ObjectId => "OBJECTID",
            Self::MultiAppend => "MULTIAPPEND",
            Self::Binary => "BINARY",
        }
    }
}

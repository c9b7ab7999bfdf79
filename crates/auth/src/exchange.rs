//! A SASL exchange as a state machine.

use std::fmt;

use bytes::Bytes;
use mailstore::address::Address;
use mailstore::ports::ChannelBinding;

use crate::mechanism::Mechanism;
use crate::name::login_name;
use crate::password::{PASSWORD_BYTES_MAX, PasswordHash};
use crate::plain::{PlainMessage, login_user};
use crate::pretender::Pretender;
use crate::scram::{ClientFirst, ScramFailure, ScramServer, ServerNonce, check_binding};
use crate::secret::Secret;
use crate::verifiers::Verifiers;

/// Bounds on what a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest decoded message.
    pub message_bytes_max: usize,
}

impl Default for Limits {
    /// Room for the longest name, twice, and the longest password.
    fn default() -> Self {
        Self {
            message_bytes_max: 4096,
        }
    }
}

/// What an exchange is started with.
#[derive(Debug, Clone)]
pub struct ExchangeOptions {
    /// The mechanism that the client chose.
    pub mechanism: Mechanism,
    /// The channel bindings of the client's connection.
    pub binding: ChannelBinding,
    /// Our part of SCRAM's nonce, new for each exchange.
    pub nonce: ServerNonce,
    /// What users that do not exist appear to be.
    pub pretender: Pretender,
    /// Bounds on what the client may send.
    pub limits: Limits,
}

/// What an exchange needs or has come to.
#[derive(Debug)]
pub enum Step {
    /// Look this name up, then call [`Exchange::look_up_answer`].
    LookUp(Address),
    /// Run this check on the bounded pool, or ask the cache, then call [`Exchange::verdict`].
    Verify(PasswordCheck),
    /// Send this to the client, then call [`Exchange::message`] with its answer.
    Challenge(Bytes),
    /// The user is who he says.
    Done(Authenticated),
    /// The exchange is over. What the client is told must not depend on more than this.
    Failed(Failure),
}

/// Why an exchange failed. One value for everything that a wrong password and an unknown user could
/// differ by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Wrong or unknown name or password.
    Credentials,
    /// A message is not of the mechanism's form, or out of turn.
    Malformed,
    /// A message is longer than allowed.
    TooLong,
    /// The channel binding does not fit: somebody may sit between client and server.
    ChannelBinding,
}

/// A successful exchange.
#[derive(Debug)]
pub struct Authenticated {
    /// Who has logged in.
    pub authcid: Address,
    /// For whom he wants to act, when that is another; whether he may is not decided here.
    pub authzid: Option<Address>,
    /// The mechanism's last word to the client (RFC 4422 §5), SCRAM's server-final-message.
    pub additional: Option<Bytes>,
    /// The password, when it was seen and [`Verifiers::derive`] should be called with it to replace
    /// outdated ones.
    pub upgrade: Option<Secret<String>>,
}

/// A password and the hash that it is to be checked against.
#[derive(Clone)]
pub struct PasswordCheck {
    pub(crate) name: Address,
    pub(crate) password: Secret<String>,
    pub(crate) hash: PasswordHash,
    /// False for a user that does not exist.
    pub(crate) genuine: bool,
}

impl fmt::Debug for PasswordCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordCheck(..)")
    }
}

/// The outcome of a [`PasswordCheck`]; only a check or the cache can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub(crate) matched: bool,
}

impl Verdict {
    /// Returns whether the password matched.
    pub fn is_match(self) -> bool {
        self.matched
    }
}

impl PasswordCheck {
    /// Performs the check: the same work whether or not the user exists. Slow: belongs on the
    /// bounded pool.
    pub fn run(&self) -> Verdict {
        let matched = self.hash.verify(self.password.expose());
        Verdict {
            matched: matched & self.genuine,
        }
    }
}

/// One SASL exchange, the server's side.
#[derive(Debug)]
pub struct Exchange {
    options: ExchangeOptions,
    state: State,
}

/// Where an exchange stands: what it waits for.
#[derive(Debug)]
enum State {
    /// The client's first message.
    First,
    /// The look-up of the name in a PLAIN message.
    PlainLookUp(Claim, Secret<String>),
    /// The look-up of the name that LOGIN gave.
    LoginLookUp(Claim),
    /// LOGIN's password.
    LoginPassword(Claim, Found),
    /// The outcome of a password check, with the password if it is to be hashed anew.
    Check(Claim, Option<Secret<String>>),
    /// The look-up of the name in a SCRAM message.
    ScramLookUp(Claim, ClientFirst, Vec<u8>),
    /// SCRAM's proof; the flag says whether the user exists.
    ScramProof(Claim, ScramServer, bool),
    /// Nothing more.
    Over,
}

/// Who the client says he is.
#[derive(Debug)]
struct Claim {
    authcid: Address,
    authzid: Option<Address>,
}

impl Claim {
    fn parse(authcid: &str, authzid: Option<&str>) -> Result<Self, Failure> {
        let name = |text| login_name(text).map_err(|_| Failure::Credentials);
        let authcid = name(authcid)?;
        let authzid = authzid.filter(|text| !text.is_empty()).map(name).transpose()?;
        let authzid = authzid.filter(|other| *other != authcid);
        Ok(Self { authcid, authzid })
    }

    fn done(self, additional: Option<Bytes>, upgrade: Option<Secret<String>>) -> Step {
        let Self { authcid, authzid } = self;
        Step::Done(Authenticated {
            authcid,
            authzid,
            additional,
            upgrade,
        })
    }
}

/// Verifiers to go on with, real or pretended.
#[derive(Debug)]
struct Found {
    verifiers: Verifiers,
    genuine: bool,
    /// Whether a matching password is to be hashed anew.
    outdated: bool,
}

type Transition = Result<(State, Step), Failure>;

impl Exchange {
    /// Returns an exchange that waits for the client's first message. Until that has arrived, the
    /// client is sent [`Mechanism::opening_challenge`].
    pub fn new(options: ExchangeOptions) -> Self {
        Self {
            options,
            state: State::First,
        }
    }

    /// Goes on with a message of the client, already decoded from base64.
    pub fn message(&mut self, message: &[u8]) -> Step {
        if message.len() > self.options.limits.message_bytes_max {
            self.state = State::Over;
            return Step::Failed(Failure::TooLong);
        }
        let transition = match self.take_state() {
            State::First => self.first_message(message),
            State::LoginPassword(claim, found) => login_password(claim, &found, message),
            State::ScramProof(claim, server, genuine) => scram_proof(claim, &server, genuine, message),
            State::PlainLookUp(..)
            | State::LoginLookUp(_)
            | State::Check(..)
            | State::ScramLookUp(..)
            | State::Over => Err(Failure::Malformed),
        };
        self.enter(transition)
    }

    /// Goes on with the verifiers of the name that was to be looked up, or without when there is no
    /// such account or it may not log in.
    pub fn look_up_answer(&mut self, verifiers: Option<&Verifiers>) -> Step {
        let transition = match self.take_state() {
            State::PlainLookUp(claim, password) => {
                let found = self.found(&claim.authcid, verifiers, |v| v.password.is_some());
                password_check(claim, &found, password)
            }
            State::LoginLookUp(claim) => {
                let found = self.found(&claim.authcid, verifiers, |v| v.password.is_some());
                let challenge = Step::Challenge(Bytes::from_static(b"Password:"));
                Ok((State::LoginPassword(claim, found), challenge))
            }
            State::ScramLookUp(claim, first, binding) => {
                let found = self.found(&claim.authcid, verifiers, |v| v.scram.is_some());
                self.scram_challenge(claim, &first, binding, found)
            }
            State::First
            | State::LoginPassword(..)
            | State::Check(..)
            | State::ScramProof(..)
            | State::Over => Err(Failure::Malformed),
        };
        self.enter(transition)
    }

    /// Goes on with the outcome of the password check.
    pub fn verdict(&mut self, verdict: Verdict) -> Step {
        let transition = match self.take_state() {
            State::Check(claim, upgrade) if verdict.matched => Ok((State::Over, claim.done(None, upgrade))),
            State::Check(..) => Err(Failure::Credentials),
            State::First
            | State::PlainLookUp(..)
            | State::LoginLookUp(_)
            | State::LoginPassword(..)
            | State::ScramLookUp(..)
            | State::ScramProof(..)
            | State::Over => Err(Failure::Malformed),
        };
        self.enter(transition)
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Over)
    }

    fn enter(&mut self, transition: Transition) -> Step {
        match transition {
            Ok((state, step)) => {
                self.state = state;
                step
            }
            Err(failure) => Step::Failed(failure),
        }
    }

    fn first_message(&self, message: &[u8]) -> Transition {
        match self.options.mechanism {
            Mechanism::Plain => {
                let plain = PlainMessage::parse(message).ok_or(Failure::Malformed)?;
                let claim = Claim::parse(plain.authcid, Some(plain.authzid))?;
                let look_up = Step::LookUp(claim.authcid.clone());
                Ok((State::PlainLookUp(claim, password(plain.password)?), look_up))
            }
            Mechanism::Login => {
                let claim = Claim::parse(login_user(message).ok_or(Failure::Malformed)?, None)?;
                let look_up = Step::LookUp(claim.authcid.clone());
                Ok((State::LoginLookUp(claim), look_up))
            }
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => {
                let first = ClientFirst::parse(message).ok_or(Failure::Malformed)?;
                let binding = check_binding(self.options.mechanism, &first, &self.options.binding)?;
                let claim = Claim::parse(&first.username, first.authzid.as_deref())?;
                let look_up = Step::LookUp(claim.authcid.clone());
                Ok((State::ScramLookUp(claim, first, binding), look_up))
            }
        }
    }

    /// Returns the user's verifiers if he has any that the mechanism can use, else pretended ones.
    /// The pretended ones are computed in either case, for the time that takes.
    fn found(
        &self,
        name: &Address,
        verifiers: Option<&Verifiers>,
        is_usable: impl Fn(&Verifiers) -> bool,
    ) -> Found {
        let pretended = self.options.pretender.verifiers(name);
        match verifiers.filter(|verifiers| is_usable(verifiers)) {
            Some(real) => {
                let outdated = real.is_outdated(self.options.pretender.parameters());
                Found {
                    verifiers: real.clone(),
                    genuine: true,
                    outdated,
                }
            }
            None => Found {
                verifiers: pretended,
                genuine: false,
                outdated: false,
            },
        }
    }

    fn scram_challenge(
        &self,
        claim: Claim,
        first: &ClientFirst,
        binding: Vec<u8>,
        found: Found,
    ) -> Transition {
        let verifier = found.verifiers.scram.ok_or(Failure::Credentials)?;
        let server = ScramServer::new(first, binding, verifier, &self.options.nonce);
        let challenge = Step::Challenge(Bytes::copy_from_slice(server.challenge()));
        Ok((State::ScramProof(claim, server, found.genuine), challenge))
    }
}

fn login_password(claim: Claim, found: &Found, message: &[u8]) -> Transition {
    let text = std::str::from_utf8(message).map_err(|_| Failure::Malformed)?;
    let text = text.strip_suffix('\0').unwrap_or(text);
    if text.is_empty() || text.contains('\0') {
        return Err(Failure::Malformed);
    }
    password_check(claim, found, password(text)?)
}

/// A password that could not have been set is refused for its length alone.
fn password(text: &str) -> Result<Secret<String>, Failure> {
    if text.len() > PASSWORD_BYTES_MAX {
        Err(Failure::TooLong)
    } else {
        Ok(Secret::new(text.to_owned()))
    }
}

fn password_check(claim: Claim, found: &Found, password: Secret<String>) -> Transition {
    let hash = found.verifiers.password.clone().ok_or(Failure::Credentials)?;
    let upgrade = found.outdated.then(|| password.clone());
    let check = PasswordCheck {
        name: claim.authcid.clone(),
        password,
        hash,
        genuine: found.genuine,
    };
    Ok((State::Check(claim, upgrade), Step::Verify(check)))
}

fn scram_proof(claim: Claim, server: &ScramServer, genuine: bool, message: &[u8]) -> Transition {
    let last = server.finish(message)?;
    if !genuine {
        return Err(Failure::Credentials);
    }
    Ok((State::Over, claim.done(Some(last.into()), None)))
}

impl From<ScramFailure> for Failure {
    fn from(failure: ScramFailure) -> Self {
        match failure {
            ScramFailure::Malformed => Self::Malformed,
            ScramFailure::Binding => Self::ChannelBinding,
            ScramFailure::Proof => Self::Credentials,
        }
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;

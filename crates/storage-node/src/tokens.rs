//! Session tokens: made at login, checked at every call.

use std::num::NonZeroUsize;
use std::time::Duration;

use auth::{ContentClaims, KeyRing, SessionClaims, TokenSigner};
use bytes::Bytes;
use lru::LruCache;
use mailstore::ports::{Caller, SessionInfo};
use mailstore::time::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Tokens whose signature was found good lately. A signature check costs more than most calls.
const VERIFIED_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");

/// Makes and checks tokens.
pub(crate) struct Tokens {
    keys: KeyRing,
    signer: TokenSigner,
    verified: Mutex<LruCache<Bytes, Verified>>,
}

/// A token that was made here or found good. From then on its time is taken from the monotonic clock, so that a jump of
/// the time of day neither ends the sessions that are there nor prolongs them (RELIABILITY §2, 12).
#[derive(Clone)]
struct Verified {
    claims: SessionClaims,
    until: Instant,
}

impl Verified {
    fn new(claims: SessionClaims, now: Timestamp) -> Self {
        let left = Duration::from_millis(claims.expires.0.saturating_sub(now.0));
        Self {
            claims,
            until: Instant::now() + left,
        }
    }
}

impl Tokens {
    pub(crate) fn new(keys: KeyRing, signer: TokenSigner) -> Self {
        Self {
            keys,
            signer,
            verified: Mutex::new(LruCache::new(VERIFIED_MAX)),
        }
    }

    /// Returns a token for a session that has just been authenticated or is renewed.
    pub(crate) fn mint(&self, info: &SessionInfo, now: Timestamp) -> Bytes {
        let claims = SessionClaims::new(info.account, info.session, &info.proxy, now);
        let claims = claims.with_client(&info.protocol, &info.peer);
        let token = self.signer.mint(&claims);
        self.verified
            .lock()
            .put(token.clone(), Verified::new(claims, now));
        token
    }

    /// Returns a signed ticket.
    pub(crate) fn mint_ticket(&self, claims: &ContentClaims) -> Bytes {
        self.signer.mint_ticket(claims)
    }

    /// Returns what a ticket states, if it is genuine, for this process, and has not run out.
    pub(crate) fn ticket(&self, ticket: &[u8], presenter: &str, now: Timestamp) -> Option<ContentClaims> {
        self.keys.verify_ticket(ticket, presenter, now).ok()
    }

    /// Tells whether the caller's token is genuine, his own, and has not run out.
    pub(crate) fn admits(&self, caller: &Caller, now: Timestamp) -> bool {
        self.claims(caller, now).is_some()
    }

    /// Returns what the caller's token states, if it is genuine, his own, and has not run out.
    pub(crate) fn claims(&self, caller: &Caller, now: Timestamp) -> Option<SessionClaims> {
        let known = self.verified.lock().get(&caller.token).cloned();
        let verified = match known {
            Some(verified) => verified,
            None => {
                let claims = self.keys.verify(&caller.token, &caller.presenter, now).ok()?;
                let verified = Verified::new(claims, now);
                self.verified.lock().put(caller.token.clone(), verified.clone());
                verified
            }
        };
        let Verified { claims, until } = verified;
        let own = claims.account == caller.account
            && claims.session == caller.session
            && claims.audience == *caller.presenter
            && Instant::now() < until;
        own.then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use auth::{KeyId, Secret};
    use mailstore::address::Address;
    use mailstore::{AccountId, SessionId};

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn tokens() -> Tokens {
        let signer = TokenSigner::from_seed(KeyId(1), &Secret::new([7; 32])).expect("a key");
        let mut keys = KeyRing::default();
        keys.insert(signer.id(), signer.public_key());
        Tokens::new(keys, signer)
    }

    fn caller(tokens: &Tokens) -> Caller {
        let info = SessionInfo {
            session: SessionId([2; 16]),
            account: AccountId([1; 16]),
            address: Address::parse("demo@example.org").expect("an address"),
            protocol: "imap".into(),
            peer: "192.0.2.1".into(),
            proxy: "proxy-1".into(),
            since: NOW,
        };
        Caller {
            account: info.account,
            session: info.session,
            token: tokens.mint(&info, NOW),
            presenter: "proxy-1".into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_opens_its_own_account_only_also_when_it_is_known_already() {
        let tokens = tokens();
        let good = caller(&tokens);
        for _ in 0..2 {
            assert!(tokens.admits(&good, NOW));
            assert!(!tokens.admits(
                &Caller {
                    account: AccountId([3; 16]),
                    ..good.clone()
                },
                NOW
            ));
            assert!(!tokens.admits(
                &Caller {
                    session: SessionId([3; 16]),
                    ..good.clone()
                },
                NOW
            ));
            assert!(!tokens.admits(
                &Caller {
                    presenter: "proxy-2".into(),
                    ..good.clone()
                },
                NOW
            ));
        }
        tokio::time::advance(Duration::from_secs(600)).await;
        assert!(!tokens.admits(&good, Timestamp(NOW.0 + 600_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_clock_neither_ends_a_session_nor_prolongs_it() {
        let tokens = tokens();
        let good = caller(&tokens);
        let hour = 3_600_000;
        assert!(tokens.admits(&good, Timestamp(NOW.0 + hour)));
        assert!(tokens.admits(&good, Timestamp(NOW.0 - hour)));
        tokio::time::advance(Duration::from_secs(600)).await;
        assert!(!tokens.admits(&good, Timestamp(NOW.0 - hour)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_never_seen_is_taken_at_its_word() {
        let (made, elsewhere) = (tokens(), tokens());
        let good = caller(&made);
        assert!(!elsewhere.admits(&good, Timestamp(NOW.0 + 600_000)));
        assert!(elsewhere.admits(&good, NOW));
    }
}

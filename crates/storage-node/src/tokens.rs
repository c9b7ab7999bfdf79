//! Session tokens: made at login, checked at every call.

use std::num::NonZeroUsize;

use auth::{KeyRing, SessionClaims, TokenSigner};
use bytes::Bytes;
use lru::LruCache;
use mailstore::ports::{Caller, SessionInfo};
use mailstore::time::Timestamp;
use parking_lot::Mutex;

/// Tokens whose signature was found good lately. A signature check costs more than most calls.
const VERIFIED_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");

/// Makes and checks tokens.
pub(crate) struct Tokens {
    keys: KeyRing,
    signer: TokenSigner,
    verified: Mutex<LruCache<Bytes, SessionClaims>>,
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
        self.signer.mint(&claims.with_client(&info.protocol, &info.peer))
    }

    /// Tells whether the caller's token is genuine, his own, and has not run out.
    pub(crate) fn admits(&self, caller: &Caller, now: Timestamp) -> bool {
        self.claims(caller, now).is_some()
    }

    /// Returns what the caller's token states, if it is genuine, his own, and has not run out.
    pub(crate) fn claims(&self, caller: &Caller, now: Timestamp) -> Option<SessionClaims> {
        let known = self.verified.lock().get(&caller.token).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = self.keys.verify(&caller.token, &caller.presenter, now).ok()?;
                self.verified.lock().put(caller.token.clone(), claims.clone());
                claims
            }
        };
        let own = claims.account == caller.account
            && claims.session == caller.session
            && claims.audience == *caller.presenter
            && now < claims.expires;
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

    #[test]
    fn a_token_opens_its_own_account_only_also_when_it_is_known_already() {
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
            assert!(!tokens.admits(&good, Timestamp(NOW.0 + 600_000)));
        }
    }
}

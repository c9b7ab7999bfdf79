//! What a session's token opens, for whom, and for how long.

use mailstore::StoreError;
use mailstore::ports::{Caller, Mail, NodeLogin};

use super::{as_process, cluster, log_in, runtime};

#[test]
fn a_token_opens_one_account_for_one_proxy_until_the_session_ends() {
    let cluster = cluster();
    let access = cluster.access();
    let refused = Some(StoreError::Unauthorized);
    runtime().block_on(async {
        let [one, other] = ["proxy-proxy-1", "proxy-proxy-2"].map(|name| as_process(&cluster, name));
        let alice = log_in(&one, "proxy-1", &access.user).await;
        let bob = log_in(&one, "proxy-1", &access.other_user).await;
        assert!(one.quota(&alice).await.is_ok(), "a good token opens nothing");
        let crossed = Caller {
            account: bob.account,
            ..alice.clone()
        };
        assert_eq!(
            one.quota(&crossed).await.err(),
            refused,
            "A's token opens B's account"
        );
        assert_eq!(
            other.quota(&alice).await.err(),
            refused,
            "another proxy may use it"
        );
        let mut forged = alice.token.to_vec();
        if let Some(last) = forged.last_mut() {
            *last ^= 1;
        }
        let forged = Caller {
            token: forged.into(),
            ..alice.clone()
        };
        assert_eq!(one.quota(&forged).await.err(), refused, "a forged token opens it");
        one.end_session(&alice).await.expect("logged out");
        assert_eq!(
            one.quota(&alice).await.err(),
            refused,
            "replayed after the logout"
        );
        assert_eq!(
            one.notices(&alice).await.err(),
            refused,
            "registered again after the logout"
        );
        let node = cluster.nodes.first().expect("invariant: one node");
        let kicked = node.administer(&["session", "kick", &access.other_user], "");
        assert!(kicked.status.success(), "{kicked}");
        assert_eq!(one.quota(&bob).await.err(), refused, "replayed after the kick");
    });
}

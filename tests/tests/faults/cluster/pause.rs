//! A leader that stands still for some seconds, as a virtual machine that is moved (fault 2).

use std::time::Duration;

use cluster_tests::network::Party;
use cluster_tests::probe::{begin_next_uid, end_next_uid};
use cluster_tests::{Imap, wait};
use rustix::process::Signal;

use super::Trial;

/// Questions that wait at the leader for it to go on.
const QUESTIONS: usize = 20;

#[test]
fn a_leader_that_stood_still_tells_nothing_old() {
    let mut trial = Trial::begin("SIGSTOP of the leader");
    let [_, other] = trial.accesses();
    for seconds in [1, 3, 5] {
        // These reach nobody but the leader, so that they wait for it.
        let mut askers: Vec<Imap> = (0..QUESTIONS)
            .map(|_| Imap::login_as(&other, &other.other_user))
            .collect();
        let mut old = Vec::new();
        trial.suffer(|cluster, probe| {
            let leader = cluster.leader();
            let followers = (0..3).filter(|index| *index != leader).map(Party::Node);
            cluster
                .network()
                .part(&[Party::Proxy(1)], &followers.collect::<Vec<_>>());
            let node = cluster.nodes.get_mut(leader).expect("invariant: one of three");
            node.signal(Signal::STOP);
            wait::pass(Duration::from_secs(seconds));
            let told = probe.told();
            let asked = askers
                .iter_mut()
                .map(|client| begin_next_uid(client).expect("a connection"));
            let tags: Vec<String> = asked.collect();
            node.signal(Signal::CONT);
            let network = cluster.network();
            std::thread::scope(|scope| {
                // What the leader does not answer can be answered once the others can be reached.
                scope.spawn(|| {
                    wait::pass(Duration::from_secs(1));
                    network.heal();
                });
                for (client, tag) in askers.iter_mut().zip(&tags) {
                    let next = end_next_uid(client, tag).expect("the session stays");
                    old.extend(next.filter(|next| *next <= told));
                }
            });
            probe.wait_for_writes(3);
        });
        assert!(old.is_empty(), "told UIDNEXT {old:?}");
    }
    trial.conclude(Duration::from_secs(20));
}

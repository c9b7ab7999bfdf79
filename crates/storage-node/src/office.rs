//! What a node does when it ceases to lead a group: those who wait for word of it are sent to the next leader.
//!
//! A call that comes to the wrong node is answered so. A stream that was opened before would stay silent instead, for
//! as long as the node runs: one that hands over before it ends, or that is cut off from the others and not from
//! those who ask.

use std::collections::BTreeMap;
use std::time::Duration;

use mailstore::GroupId;
use mailstore::ports::LeaderStatus;
use tokio_util::sync::CancellationToken;

use crate::node::Node;

/// How often a node looks whether it still leads what it led.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// The term of each group, and whether this node leads it in that term.
type Offices = BTreeMap<GroupId, (u64, bool)>;

impl Node {
    /// Ends the streams of groups that this node does not lead any more, until the token is cancelled; then all.
    pub(crate) async fn keep_office(&self, stop: &CancellationToken) {
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        let mut known = Offices::new();
        loop {
            // A token and a tick, which are cancel safe.
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = look.tick() => {}
            }
            let offices = self.offices();
            // Another term, even one that this node leads, may have come after one that it did not.
            if offices != known {
                self.send_elsewhere(|group| offices.get(&group).is_none_or(|(_, leads)| !leads));
                known = offices;
            }
        }
        self.send_elsewhere(|_| true);
    }

    fn offices(&self) -> Offices {
        let groups = self.replication().status().into_iter();
        groups
            .map(|status| (status.group, (status.term, status.leader == LeaderStatus::Local)))
            .collect()
    }

    /// Ends the hints and the notices of these groups.
    fn send_elsewhere(&self, left: impl Fn(GroupId) -> bool) {
        self.hub().retain(|account| !left(self.group_of(account)));
        self.sessions_registry()
            .retain(|account| !left(self.group_of(account)));
    }
}

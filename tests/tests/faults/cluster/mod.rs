//! Faults of three storage nodes and two proxies, each a process in a network namespace of its own
//! (RELIABILITY.md §2; its numbers stand with the tests).
//!
//! While faults happen, several sessions change one account and a probe writes and reads another. All that was
//! acknowledged is looked for through every proxy afterwards, and one line says what came of it.

mod clock;
mod damage;
mod flush;
mod full_disk;
mod partition;
mod pause;
mod power;
mod processes;

use std::time::Duration;

use cluster_tests::cluster::{Cluster, Plan};
use cluster_tests::history::History;
use cluster_tests::network::Party;
use cluster_tests::probe::{Probe, Report};
use cluster_tests::server::Access;
use cluster_tests::{ServerOptions, log};

/// Sessions that change the first account.
const SESSIONS: u64 = 4;
/// Changes that are acknowledged before the first fault.
const CHANGES_BEFORE: u64 = 15;

/// A cluster under load and all that is known of it.
struct Trial {
    name: &'static str,
    cluster: Cluster,
    history: History,
    probe: Probe,
    report: Report,
    faults: u32,
}

impl Trial {
    /// Starts three storage nodes and two proxies, apart from each other.
    fn begin(name: &'static str) -> Self {
        Self::begin_with(name, |_, options| options)
    }

    /// Starts them with options of its own.
    fn begin_with(name: &'static str, adjust: impl Fn(Party, ServerOptions) -> ServerOptions) -> Self {
        let plan = Plan {
            nodes: 3,
            proxies: 2,
            apart: true,
        };
        let cluster = Cluster::build(plan, |party, options| {
            adjust(party, options.set("storage", "groups", "1"))
        });
        Self {
            name,
            history: History::begin(cluster.access(), SESSIONS),
            probe: Probe::begin(cluster.access()),
            cluster,
            report: Report::default(),
            faults: 0,
        }
    }

    /// Returns how each of the proxies is reached.
    fn accesses(&self) -> [Access; 2] {
        [0, 1].map(|index| self.cluster.proxies[index].access().clone())
    }

    /// Does harm under load, and looks for all that was acknowledged once the cluster has settled again.
    fn suffer(&mut self, harm: impl FnOnce(&mut Cluster, &Probe)) {
        let [one, other] = self.accesses();
        let Self {
            cluster,
            history,
            probe,
            ..
        } = self;
        probe.during(&other, &one, || {
            history.load(&one, CHANGES_BEFORE, || harm(cluster, probe));
        });
        self.faults += 1;
        self.cluster.settle();
        for access in [&one, &other] {
            self.history.check(access);
            self.report.add(self.probe.conclude(access));
        }
    }

    /// Says in one line what came of it. No connection may have been lost, nor a command have been refused.
    fn conclude(self, stall_max: Duration) {
        self.tell();
        let Report {
            unknown,
            lost,
            longest,
            ..
        } = self.report;
        assert_eq!(
            (unknown, lost),
            (0, 0),
            "commands without an outcome, connections lost"
        );
        assert!(longest <= stall_max, "a command took {longest:.2?}");
    }

    /// The same where proxies die, or where nobody can answer.
    fn tell(&self) {
        let Report {
            operations,
            unknown,
            lost,
            longest,
            violations,
        } = &self.report;
        log::note(&format!(
            "{}: {} operations, {} faults, {unknown} unknown, {lost} connections lost, {} violations, longest stall \
             {longest:.2?}",
            self.name,
            operations + self.history.acknowledged(),
            self.faults,
            violations.len(),
        ));
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        assert!(*operations > 0, "nothing was done");
    }
}

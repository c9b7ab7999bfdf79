//! What is done to processes while clients work: one storage node at a time, and proxies besides.

use std::time::Duration;

use history::{Command, FaultKind};
use rand::Rng;
use rand::rngs::StdRng;
use rustix::process::Signal;

use super::journal::Journal;
use super::stage::{Stage, nemesis_record};
use crate::network::Party;

/// Step of a wait, so that it ends with the round.
const STEP: Duration = Duration::from_millis(50);

/// Whom a fault meets.
#[derive(Clone, Copy, Debug)]
enum Target {
    Node(usize),
    Proxy(usize),
}

impl Target {
    fn name(self) -> String {
        match self {
            Self::Node(index) => format!("storage-{}", index + 1),
            Self::Proxy(index) => format!("proxy-{}", index + 1),
        }
    }
}

/// Injects faults until a time of the run, and ends them all.
pub fn haunt(stage: &mut Stage, journal: &Journal, random: &mut StdRng, end: u64) {
    while pause(journal, random.random_range(500..2_500), end) {
        let node = Target::Node(random.random_range(0..stage.cluster.nodes.len()));
        let proxy = Target::Proxy(random.random_range(0..stage.cluster.proxies.len()));
        let mixed = random.random_bool(0.2);
        let others = if mixed {
            vec![(FaultKind::Kill, proxy)]
        } else {
            Vec::new()
        };
        let faults = match random.random_range(0..12) {
            0..4 => [vec![(FaultKind::Kill, node)], others].concat(),
            4..6 => [vec![(FaultKind::Stop, node)], others].concat(),
            6..8 if stage.apart => [vec![(FaultKind::Partition, node)], others].concat(),
            6..8 => vec![(FaultKind::Stop, node)],
            8..9 => vec![(FaultKind::Terminate, node)],
            9..11 => vec![(FaultKind::Kill, proxy)],
            _ => vec![(FaultKind::Stop, proxy)],
        };
        let duration = random.random_range(200..3_000);
        inflict(stage, journal, &faults, Duration::from_millis(duration));
        stage.recover();
    }
    let begin = journal.now();
    journal.add(nemesis_record(journal, Command::Heal, begin));
}

/// Begins faults, lets time pass, and ends them again.
fn inflict(stage: &mut Stage, journal: &Journal, faults: &[(FaultKind, Target)], duration: Duration) {
    let begin = journal.now();
    for (kind, target) in faults {
        start(stage, *kind, *target);
    }
    std::thread::sleep(duration);
    for (kind, target) in faults {
        stop(stage, *kind, *target);
        let command = Command::Fault {
            kind: *kind,
            target: target.name(),
        };
        journal.add(nemesis_record(journal, command, begin));
    }
}

fn start(stage: &mut Stage, kind: FaultKind, target: Target) {
    if let (FaultKind::Partition, Target::Node(index)) = (kind, target) {
        let others = (0..stage.cluster.nodes.len()).filter(|other| *other != index);
        let proxies = (0..stage.cluster.proxies.len()).map(Party::Proxy);
        let others: Vec<Party> = others.map(Party::Node).chain(proxies).collect();
        stage.cluster.network().part(&[Party::Node(index)], &others);
        return;
    }
    let server = match target {
        Target::Node(index) => stage.node(index),
        Target::Proxy(index) => stage.proxy(index),
    };
    match kind {
        FaultKind::Kill => server.kill(),
        FaultKind::Stop => server.signal(Signal::STOP),
        FaultKind::Terminate => drop(server.stop()),
        FaultKind::Partition => {}
    }
}

fn stop(stage: &mut Stage, kind: FaultKind, target: Target) {
    if matches!(kind, FaultKind::Partition) && stage.apart {
        stage.cluster.network().heal();
        return;
    }
    let server = match target {
        Target::Node(index) => stage.node(index),
        Target::Proxy(index) => stage.proxy(index),
    };
    match kind {
        FaultKind::Kill | FaultKind::Terminate => server.restart(),
        FaultKind::Stop => server.signal(Signal::CONT),
        FaultKind::Partition => {}
    }
}

/// Lets time pass; says whether the round goes on.
fn pause(journal: &Journal, milliseconds: u64, end: u64) -> bool {
    let until = journal.now() + milliseconds * 1_000;
    while journal.now() < until.min(end) {
        std::thread::sleep(STEP);
    }
    until < end
}

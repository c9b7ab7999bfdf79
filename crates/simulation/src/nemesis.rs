//! What befalls a cluster: drawn beforehand from the seed, so that a run's troubles can be read as a list.
//!
//! The budget is that of the promise (RELIABILITY §2): one storage node is in trouble at a time, in as many ways as
//! may be, while any proxies are; or all nodes lose their power at once.

use std::time::Duration;

use crate::network::Cut;
use crate::random::Random;

/// Something that happens at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A process is killed.
    Kill(String),
    /// A machine loses its power.
    PowerLoss(String),
    /// All machines lose their power.
    PowerLossOfAll,
    /// A machine loses its power again while its node starts, after so many changes of its disk.
    CrashInStart(String, u64),
    /// A machine reaches no other, and none reaches it; proxies still do.
    Isolate(String, Cut),
    /// It hears the others, and they do not hear it.
    Mute(String, Cut),
    /// They hear it, and it does not hear them.
    Deafen(String, Cut),
    /// Two machines do not reach each other.
    Part(String, String, Cut),
    /// Messages from and to it may take so much longer.
    SlowLinks(String, Duration),
    /// Its disk takes so long to write the log.
    SlowDisk(String, Duration),
    /// A sync of its disk fails.
    FailSync(String, u64),
    /// Its wall clock is set wrong by so many seconds.
    JumpClock(String, i64),
    /// Its process is stopped for a while.
    Pause(String),
    /// Whoever leads a group is cut off from the others while one of them starts again.
    RaceForLease(String),
    /// A machine is well again.
    Mend(String),
    /// Leaders hand over.
    Transfer,
    /// A proxy is killed.
    KillProxy(String),
    /// A proxy is started.
    StartProxy(String),
    /// A proxy does not reach a machine.
    CutProxy(String, String, Cut),
    /// A proxy reaches all machines.
    MendProxy(String),
}

/// Events, each with the time since the beginning.
pub(crate) type Plan = Vec<(Duration, Event)>;

/// Draws what befalls these machines and proxies in so many troubles.
pub(crate) fn plan(random: &mut Random, nodes: &[String], proxies: &[String], troubles: u32) -> Plan {
    let mut plan = Plan::new();
    let mut now = Duration::ZERO;
    for _ in 0..troubles {
        now += millis(random, 0, 1500);
        now = trouble(random, nodes, now, &mut plan);
    }
    for proxy in proxies {
        let mut at = millis(random, 0, 3000);
        while at < now {
            at = trouble_of_proxy(random, (proxy, nodes), at, &mut plan);
            at += millis(random, 500, 6000);
        }
    }
    let mut at = millis(random, 500, 4000);
    while at < now {
        plan.push((at, Event::Transfer));
        at += millis(random, 1000, 8000);
    }
    // Stable, so that what was drawn first happens first.
    plan.sort_by_key(|(at, _)| *at);
    plan
}

fn millis(random: &mut Random, least: u64, spread: u64) -> Duration {
    Duration::from_millis(least + random.below(spread))
}

/// Draws one trouble of one machine, and returns when it is over.
fn trouble(random: &mut Random, nodes: &[String], begin: Duration, plan: &mut Plan) -> Duration {
    if random.chance(6) {
        plan.push((begin, Event::PowerLossOfAll));
        return begin;
    }
    let victim = random.pick(nodes).cloned().unwrap_or_default();
    let mut end = begin + millis(random, 100, 4000);
    let mut at = begin;
    loop {
        plan.push((at, fault(random, &victim, nodes)));
        if !random.chance(45) {
            break;
        }
        at += millis(random, 0, 1500);
        end = end.max(at + millis(random, 0, 1500));
    }
    plan.push((end, Event::Mend(victim)));
    end
}

fn fault(random: &mut Random, victim: &str, nodes: &[String]) -> Event {
    let name = victim.to_owned();
    let cut = if random.chance(50) { Cut::Refused } else { Cut::Silent };
    match random.below(100) {
        0..16 => Event::Kill(name),
        16..28 => Event::PowerLoss(name),
        28..42 => Event::Isolate(name, cut),
        42..51 => Event::Mute(name, cut),
        51..56 => Event::Deafen(name, cut),
        56..64 => {
            let others: Vec<String> = nodes.iter().filter(|other| *other != victim).cloned().collect();
            let other = random.pick(&others).cloned().unwrap_or_default();
            Event::Part(name, other, cut)
        }
        64..70 => Event::SlowLinks(name, millis(random, 20, 400)),
        70..76 => Event::SlowDisk(name, millis(random, 10, 400)),
        76..82 => Event::FailSync(name, 1 + random.below(20)),
        82..87 => {
            let seconds = i64::try_from(random.below(7200)).unwrap_or(0) - 3600;
            Event::JumpClock(name, seconds)
        }
        87..92 => Event::Pause(name),
        92..96 => Event::CrashInStart(name, 1 + random.below(60)),
        _ => Event::RaceForLease(name),
    }
}

/// Draws one trouble of a proxy, and returns when it is over.
fn trouble_of_proxy(
    random: &mut Random,
    (proxy, nodes): (&str, &[String]),
    begin: Duration,
    plan: &mut Plan,
) -> Duration {
    let end = begin + millis(random, 100, 3000);
    if random.chance(40) {
        plan.push((begin, Event::KillProxy(proxy.to_owned())));
        plan.push((end, Event::StartProxy(proxy.to_owned())));
        return end;
    }
    let cut = if random.chance(50) { Cut::Refused } else { Cut::Silent };
    for _ in 0..=random.below(2) {
        let node = random.pick(nodes).cloned().unwrap_or_default();
        plan.push((begin, Event::CutProxy(proxy.to_owned(), node, cut)));
    }
    plan.push((end, Event::MendProxy(proxy.to_owned())));
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(prefix: &str, count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("{prefix}-{number}")).collect()
    }

    /// Whatever begins ends, and only one machine is in trouble at a time.
    #[test]
    fn a_plan_stays_within_the_budget() {
        for seed in 0..200 {
            let (nodes, proxies) = (names("node", 3), names("proxy", 2));
            let plan = plan(&mut Random::new(seed), &nodes, &proxies, 6);
            let mut in_trouble: Option<String> = None;
            for (_, event) in &plan {
                match event {
                    Event::Kill(name)
                    | Event::PowerLoss(name)
                    | Event::CrashInStart(name, _)
                    | Event::Isolate(name, _)
                    | Event::Mute(name, _)
                    | Event::Deafen(name, _)
                    | Event::Part(name, _, _)
                    | Event::SlowLinks(name, _)
                    | Event::SlowDisk(name, _)
                    | Event::FailSync(name, _)
                    | Event::JumpClock(name, _)
                    | Event::Pause(name)
                    | Event::RaceForLease(name) => {
                        assert!(in_trouble.as_ref().is_none_or(|other| other == name), "{plan:?}");
                        in_trouble = Some(name.clone());
                    }
                    Event::Mend(name) => {
                        assert_eq!(in_trouble.take().as_ref(), Some(name), "{plan:?}");
                    }
                    Event::PowerLossOfAll => assert_eq!(in_trouble, None, "{plan:?}"),
                    Event::Transfer
                    | Event::KillProxy(_)
                    | Event::StartProxy(_)
                    | Event::CutProxy(..)
                    | Event::MendProxy(_) => {}
                }
            }
            assert_eq!(in_trouble, None);
        }
    }
}

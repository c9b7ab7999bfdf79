//! Invariant 33: what counts against the quota is what is there (RFC 9208 §3.2).

use std::collections::BTreeMap;

use crate::check::Round;
use crate::names::{Account, Accounts};
use crate::record::{Command, Outcome};
use crate::report::Findings;
use crate::response::Response;

/// Octets in a unit of STORAGE (RFC 9208 §5.1).
const UNIT: u64 = 1024;

/// Compares use with the sum over all messages at rest.
pub fn usage(round: &Round<'_>, accounts: &mut Accounts, findings: &mut Findings) {
    let sums = sums(round);
    for (at, record) in round.records.iter().enumerate() {
        let asked = record.command == Command::Quota && record.outcome == Outcome::Ok;
        if !asked {
            continue;
        }
        let lines = record.untagged.iter().map(|told| Response::parse(&told.line));
        let resources = lines.filter_map(|line| match line {
            Response::Quota(resources) => Some(resources),
            _ => None,
        });
        let (messages, octets) = sums
            .get(&accounts.of(&record.account))
            .copied()
            .unwrap_or_default();
        for (name, (used, _)) in resources.flatten().filter(|_| record.is_dump()) {
            let fits = match name.as_str() {
                "MESSAGE" => used == messages,
                // Whether a begun unit counts is the server's choice.
                "STORAGE" => (octets / UNIT..=octets.div_ceil(UNIT)).contains(&used),
                _ => true,
            };
            if !fits {
                let why = format!("{used} of {name} are used by {messages} messages of {octets} octets");
                findings.add(33, why, [at]);
            }
        }
    }
}

/// Returns messages and octets of each account as the last look at everything shows them.
fn sums(round: &Round<'_>) -> BTreeMap<Account, (u64, u64)> {
    let views = round.facts.views.iter().filter(|view| view.dump);
    let last: BTreeMap<_, _> = views.map(|view| (view.mailbox, view)).collect();
    let sizes = round.facts.seen.iter().filter(|seen| seen.dump);
    let sizes: BTreeMap<_, _> = sizes.filter_map(|seen| Some((seen.key, seen.size?))).collect();
    let mut sums: BTreeMap<Account, (u64, u64)> = BTreeMap::new();
    for (mailbox, view) in last {
        for uid in &view.uids {
            let (messages, octets) = sums.entry(mailbox.account).or_default();
            *messages += 1;
            *octets += sizes.get(&mailbox.key(*uid)).copied().unwrap_or_default();
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use crate::record::{Command, DUMP};
    use crate::samples::{NONE, Sample};

    #[test]
    fn use_is_the_sum_of_what_is_there() {
        let quota = |line: &str| {
            let mut sample = Sample::default();
            sample.append("INBOX", "a-1", 1, 1);
            sample.dump("INBOX", 1, &[(1, "", "a-1")]);
            sample.client(DUMP).lines(Command::Quota, &[line]);
            sample.verdict()
        };
        assert_eq!(quota("QUOTA \"\" (STORAGE 0 100 MESSAGE 1 9)"), NONE);
        assert_eq!(quota("QUOTA \"\" (STORAGE 0 100 MESSAGE 2 9)"), [33]);
        assert_eq!(quota("QUOTA \"\" (STORAGE 3 100 MESSAGE 1 9)"), [33]);
    }
}

//! Invariants 21 and 22: a client that comes back with what it knew ends up with what is there (RFC 7162 §3.2).

use crate::check::Round;
use crate::names::Key;
use crate::replay::MISSING;
use crate::report::Findings;

/// Compares clients that came back with looks at everything. What they still have and is gone was either never told
/// (21), or it was gone before a HIGHESTMODSEQ was announced that promised to cover it (22).
pub fn rebuilt(round: &Round<'_>, findings: &mut Findings) {
    for resynced in &round.facts.resynced {
        if resynced.why != MISSING {
            findings.add(
                21,
                format!("{}: {}", resynced.key, resynced.why),
                [resynced.record],
            );
            continue;
        }
        // It may have gone after the client came back.
        if may_end_after(round, resynced.key, resynced.began) {
            continue;
        }
        let told = round.facts.gone.get(&resynced.key).map(|(at, _)| *at);
        let covered = told.is_some_and(|at| at <= resynced.claimed);
        let invariant = if covered { 22 } else { 21 };
        findings.add(
            invariant,
            format!("{}: {}", resynced.key, resynced.why),
            [resynced.record],
        );
    }
}

fn may_end_after(round: &Round<'_>, key: Key, time: u64) -> bool {
    let mut removals = round.facts.removals_of(round.carry, key);
    let told = round.facts.gone.get(&key).is_some_and(|(at, _)| *at < time);
    !told && removals.any(|removal| removal.span.completed >= time)
}

#[cfg(test)]
mod tests {
    use crate::record::{Command, FlagChange, Messages};
    use crate::samples::{NONE, Sample, known};

    const FULL: [&str; 2] = [
        "1 FETCH (UID 1 FLAGS () MODSEQ (3))",
        "2 FETCH (UID 2 FLAGS () MODSEQ (4))",
    ];

    fn all() -> Command {
        Command::Fetch {
            messages: Messages::All,
            changed_since: None,
        }
    }

    /// A client that knows two messages and goes, and another that expunges the second meanwhile.
    fn sample() -> Sample {
        let mut sample = Sample::default();
        sample.select("INBOX", 1, 2);
        sample.lines(all(), &FULL);
        sample.client("w2").select("INBOX", 1, 2);
        sample.lines(all(), &FULL);
        sample.store(2, FlagChange::Add, "\\Deleted");
        sample.lines(Command::Expunge { uids: Some(vec![2]) }, &["2 EXPUNGE"]);
        sample.client("w1").reconnect();
        sample
    }

    fn back(sample: &mut Sample, exists: &str, told: &[&str], full: &[&str]) {
        let select = Command::Select {
            name: "INBOX".to_owned(),
            read_only: false,
            resync: known(4),
        };
        let codes = [exists, "OK [UIDVALIDITY 1] is", "OK [HIGHESTMODSEQ 6] is"];
        sample.lines(select, &[&codes, told].concat());
        sample.lines(all(), full);
    }

    #[test]
    fn a_client_that_comes_back_hears_what_has_gone() {
        let mut complete = sample();
        back(&mut complete, "1 EXISTS", &["VANISHED (EARLIER) 2"], &FULL[..1]);
        assert_eq!(complete.verdict(), NONE);
        let mut omitted = sample();
        back(&mut omitted, "1 EXISTS", &[], &FULL[..1]);
        assert_eq!(omitted.verdict(), [21]);
    }

    #[test]
    fn a_client_that_comes_back_hears_what_has_changed() {
        let changed = "1 FETCH (UID 1 FLAGS ($Work) MODSEQ (6))";
        let come = |told: &[&str]| {
            let mut sample = sample();
            let told = [told, &["VANISHED (EARLIER) 2"]].concat();
            sample
                .session_before()
                .client("w2")
                .store(1, FlagChange::Add, "$Work");
            back(sample.client("w1").reconnect(), "1 EXISTS", &told, &[changed]);
            sample.verdict()
        };
        assert_eq!(come(&[changed]), NONE);
        assert_eq!(come(&[]), [21]);
    }

    #[test]
    fn highestmodseq_is_not_ahead_of_what_was_told() {
        let mut sample = sample();
        // While the second was gone already, the client was promised to know everything up to 6.
        sample
            .session_before()
            .lines(Command::Noop, &["OK [HIGHESTMODSEQ 6] is"]);
        sample.reconnect();
        back(&mut sample, "1 EXISTS", &[], &FULL[..1]);
        assert_eq!(sample.verdict(), [22]);
    }
}

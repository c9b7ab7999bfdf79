//! The rules, by family. Each file says which invariants it holds.

mod durability;
mod flags;
mod liveness;
mod modseq;
mod moves;
mod namespace;
mod quota;
mod resync;
mod uids;
mod view;

use std::collections::BTreeMap;

use crate::carry::Carry;
use crate::check::Round;
use crate::names::{Accounts, Key};
use crate::report::{Findings, Report};

/// Which token stands behind a UID, as far as it is known.
pub type Tokens = BTreeMap<Key, String>;

/// Applies all rules to a round and returns what is known after it.
pub fn check(
    round: &Round<'_>,
    accounts: &mut Accounts,
    findings: &mut Findings,
    report: &mut Report,
) -> Carry {
    let tokens = uids::identities(round, findings);
    uids::order(round, findings);
    uids::next(round, findings);
    let validities = uids::validities(round, accounts, findings);
    durability::counts(round, &tokens, findings);
    durability::contents(round, findings);
    durability::owners(round, accounts, findings);
    moves::kept(round, &tokens, findings);
    moves::places(round, &tokens, findings);
    flags::registers(round, findings);
    flags::compare_and_set(round, findings);
    modseq::states(round, findings);
    modseq::highest(round, findings);
    modseq::changed_since(round, findings);
    resync::rebuilt(round, findings);
    view::fresh(round, findings);
    view::left_out(round, findings);
    view::recent(round, findings);
    view::status(round, findings);
    let (listed, subscribed) = namespace::check(round, accounts, findings);
    quota::usage(round, accounts, findings);
    liveness::dropped(round, findings, report);
    liveness::news(round, findings);
    liveness::writable(round, report, findings);
    let (known_names, validities) = validities;
    Carry {
        listed,
        subscribed,
        known_names,
        validities,
        recent: view::recent_now(round),
        marks: uids::marks(round),
        live: durability::live(round, &tokens),
    }
}

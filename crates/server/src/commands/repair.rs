//! `facteur repair`: what a damaged log has lost, and saving the rest.

use std::fmt::Write;

use wal::{Certainty, RepairPlan};

use crate::arguments::{RepairArguments, RepairPolicy, SettingsArguments};
use crate::data_dir::{DataDir, place};
use crate::exit::{Exit, Failure, OrExit};
use crate::{commands, options, output};

/// Surveys the log and, when told to, repairs it.
///
/// # Errors
/// When the directory is in use or the disk fails.
pub fn run(arguments: &SettingsArguments, repair: &RepairArguments) -> Result<(), Failure> {
    let settings = commands::load(arguments, None)?;
    let data = DataDir::open(&settings)?;
    let plan = RepairPlan::survey(data.disk(), place("log"), options::storage::wal(&settings));
    let Some(plan) = plan.or_exit(Exit::Io, "log")? else {
        return output::say("the log is not damaged\n");
    };
    output::say(&described(&plan))?;
    match repair.apply {
        None => Err(Failure::new(
            Exit::Data,
            "nothing was changed; repair with --apply keep-prefix or --apply drop-affected",
        )),
        Some(policy) => {
            plan.apply(policy.into()).or_exit(Exit::Io, "repair")?;
            output::say("the log was repaired\n")
        }
    }
}

impl From<RepairPolicy> for wal::RepairPolicy {
    fn from(policy: RepairPolicy) -> Self {
        match policy {
            RepairPolicy::KeepPrefix => Self::KeepPrefix,
            RepairPolicy::DropAffected => Self::DropAffected,
        }
    }
}

fn described(plan: &RepairPlan) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for damage in &plan.report().damages {
        let _ = writeln!(text, "damage: {damage}");
    }
    for damage in &plan.report().groups {
        let certainty = match damage.certainty {
            Certainty::Certain => "lost entries",
            Certainty::Possible => "may have lost entries",
        };
        let bound =
            |index: Option<wal::LogIndex>| index.map_or_else(|| "none".to_owned(), |index| index.to_string());
        let _ = writeln!(
            text,
            "{} {certainty}; last before the damage: {}, highest behind it: {}",
            damage.group,
            bound(damage.last_before),
            bound(damage.highest_behind)
        );
    }
    text
}

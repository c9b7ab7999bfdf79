//! What has happened in the selected mailbox, in the words of the protocol.

use imap_wire::response::Condition;
use imap_wire::response::{self, Expunged, FetchWriter, ResponseCode, Status};
use imap_wire::types::FlagRef;
use mailstore::UidSet;
use mailstore::flags::{FlagBits, Keyword, SystemFlag};
use mailstore::mailbox::Mailbox;
use mailstore::message::MessageState;

use super::Enabled;
use super::selected::{Access, Gone, Report};
use crate::convert;

/// The flags of messages as responses list them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlagNames<'a> {
    pub(crate) keywords: &'a [Keyword],
    pub(crate) recent: &'a UidSet,
}

impl<'a> FlagNames<'a> {
    /// Lists the flags of one message.
    pub(crate) fn of(self, state: &MessageState) -> impl Iterator<Item = FlagRef<'a>> + use<'a> {
        let recent = self.recent.contains(state.uid).then_some(FlagRef::Recent);
        named(state.flags, self.keywords).chain(recent)
    }
}

/// Lists flags by name.
fn named(flags: FlagBits, keywords: &[Keyword]) -> impl Iterator<Item = FlagRef<'_>> {
    let system = flags.system_flags().map(convert::wire_system_flag);
    let names = flags.keyword_indexes().filter_map(|index| keywords.get(index));
    system.chain(names.map(|keyword| FlagRef::Keyword(keyword.as_str())))
}

/// Appends a report. What is gone comes first, then what is new, then flags by the new numbers.
pub(crate) fn encode(
    report: &Report,
    names: FlagNames<'_>,
    access: Access,
    enabled: Enabled,
    out: &mut Vec<u8>,
) {
    encode_gone(&report.gone, enabled, out);
    if let Some(count) = report.exists {
        response::exists(out, count);
    }
    if let Some(count) = report.recent {
        response::recent(out, count);
    }
    if report.keywords {
        encode_flag_list(names.keywords, access, out);
    }
    for (number, state) in &report.flags {
        encode_state(*number, state, names, enabled, out);
    }
}

/// Appends EXPUNGE, from the highest number down so that none changes before it is told, or VANISHED
/// (RFC 7162 §3.2.10).
fn encode_gone(gone: &[Gone], enabled: Enabled, out: &mut Vec<u8>) {
    if enabled.qresync {
        let uids = gone
            .iter()
            .map(|run| convert::number(run.first)..=convert::number(run.last));
        response::vanished(out, Expunged::Now, uids);
        return;
    }
    for run in gone.iter().rev() {
        for number in (run.number..run.number + run.count()).rev() {
            if let Some(number) = convert::wire_seq(number) {
                response::expunge(out, number);
            }
        }
    }
}

/// Appends FLAGS and PERMANENTFLAGS (RFC 3501 §7.1, §7.2.6).
pub(crate) fn encode_flag_list(keywords: &[Keyword], access: Access, out: &mut Vec<u8>) {
    let all = SystemFlag::ALL.into_iter().map(convert::wire_system_flag);
    let keywords = keywords.iter().map(|keyword| FlagRef::Keyword(keyword.as_str()));
    let mut flags: Vec<FlagRef<'_>> = all.chain(keywords).collect();
    response::flags(out, flags.iter().copied());
    match access {
        Access::ReadWrite => flags.push(FlagRef::NewKeywords),
        Access::ReadOnly => flags.clear(),
    }
    let status = Status {
        tag: None,
        condition: Condition::Ok,
        code: Some(ResponseCode::PermanentFlags(&flags)),
        text: "Flags that can be changed",
    };
    status.encode(out);
}

/// Appends a FETCH response that tells of a message's flags. With QRESYNC it has the UID
/// (RFC 7162 §3.2.4), with CONDSTORE the modification sequence (RFC 7162 §3.2).
pub(crate) fn encode_state(
    number: u32,
    state: &MessageState,
    names: FlagNames<'_>,
    enabled: Enabled,
    out: &mut Vec<u8>,
) {
    let Some(number) = convert::wire_seq(number) else {
        return;
    };
    let mut writer = FetchWriter::begin(out, number);
    if enabled.qresync {
        writer.uid(out, convert::wire_uid(state.uid));
    }
    writer.flags(out, names.of(state));
    if enabled.condstore {
        writer.mod_seq(out, convert::wire_modseq(state.modseq));
    }
    writer.end(out);
}

/// Returns the names for a mailbox's flags.
pub(crate) fn flag_names<'a>(mailbox: &'a Mailbox, recent: &'a UidSet) -> FlagNames<'a> {
    FlagNames {
        keywords: &mailbox.keywords,
        recent,
    }
}

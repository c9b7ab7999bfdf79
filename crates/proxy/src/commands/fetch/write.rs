//! FETCH responses, up to the octets of messages.

use std::sync::Arc;

use imap_wire::response::{BodyName, FetchWriter};
use mail_message::SummaryRef;
use mailstore::UidSet;
use mailstore::message::{MessageRecord, MessageState};

use super::Job;
use super::plan::{Label, Plan};
use crate::answer::Failure;
use crate::connection::Connection;
use crate::convert;
use crate::session::report::{self, FlagNames};

/// Answers a FETCH that needs nothing but the view.
pub(super) async fn states(connection: &mut Connection, job: &Job, uids: &UidSet) -> Result<(), Failure> {
    let Some(view) = &job.view else {
        return bare(connection, job, uids).await;
    };
    let selected = connection.selected()?;
    let (sequence, recent) = (Arc::clone(selected.sequence()), selected.recent().clone());
    let names = report::flag_names(view.mailbox(), &recent);
    let mut walk = sequence.walk();
    for (first, last) in uids.ranges() {
        for state in view.view().range(first, last) {
            let Some(number) = walk.number(state.uid).and_then(convert::wire_seq) else {
                continue;
            };
            let out = connection.out();
            let mut writer = FetchWriter::begin(out, number);
            if job.plan.uid {
                writer.uid(out, convert::wire_uid(state.uid));
            }
            flags(&mut writer, &job.plan, &Shown::plain(*state, names), out);
            if job.plan.thread_id {
                writer.thread_id(out, None);
            }
            writer.end(out);
            connection.client.transport.checkpoint().await?;
        }
    }
    Ok(())
}

/// Answers a FETCH that asks for nothing but what the session itself knows.
async fn bare(connection: &mut Connection, job: &Job, uids: &UidSet) -> Result<(), Failure> {
    let sequence = Arc::clone(connection.selected()?.sequence());
    let mut walk = sequence.walk();
    for uid in uids.iter() {
        let Some(number) = walk.number(uid).and_then(convert::wire_seq) else {
            continue;
        };
        let out = connection.out();
        let mut writer = FetchWriter::begin(out, number);
        if job.plan.uid {
            writer.uid(out, convert::wire_uid(uid));
        }
        if job.plan.thread_id {
            writer.thread_id(out, None);
        }
        writer.end(out);
        connection.client.transport.checkpoint().await?;
    }
    Ok(())
}

/// A message's flags and modification sequence, as they are to be shown.
pub(super) struct Shown<'a> {
    pub(super) state: MessageState,
    pub(super) names: FlagNames<'a>,
    /// This FETCH has changed the flags: they are shown whether asked for or not (RFC 3501 §6.4.5).
    pub(super) changed: bool,
    /// The client has enabled CONDSTORE.
    pub(super) condstore: bool,
}

impl<'a> Shown<'a> {
    fn plain(state: MessageState, names: FlagNames<'a>) -> Self {
        Self {
            state,
            names,
            changed: false,
            condstore: false,
        }
    }
}

fn flags(writer: &mut FetchWriter, plan: &Plan, shown: &Shown<'_>, out: &mut Vec<u8>) {
    if plan.flags || shown.changed {
        writer.flags(out, shown.names.of(&shown.state));
    }
    // RFC 7162 §3.2: a change of flags is told with its modification sequence from then on.
    if plan.modseq || (shown.changed && shown.condstore) {
        writer.mod_seq(out, convert::wire_modseq(shown.state.modseq));
    }
}

/// Appends everything that needs no octets of the message: the UID first, as Thunderbird expects.
pub(super) fn head(
    writer: &mut FetchWriter,
    plan: &Plan,
    record: &MessageRecord,
    shown: Option<&Shown<'_>>,
    out: &mut Vec<u8>,
) {
    if plan.uid {
        writer.uid(out, convert::wire_uid(record.uid));
    }
    if let Some(shown) = shown {
        flags(writer, plan, shown, out);
    }
    if plan.internal_date
        && let Some(date) = convert::wire_date(record.internal_date)
    {
        writer.internal_date(out, date);
    }
    if plan.size {
        writer.rfc822_size(out, u64::from(record.size));
    }
    if plan.email_id {
        writer.email_id(out, &convert::email_id(record.email_id));
    }
    if plan.thread_id {
        // There are no threads (RFC 8474 §5.2).
        writer.thread_id(out, None);
    }
}

/// Appends what was encoded when the message arrived.
pub(super) fn summary(writer: &mut FetchWriter, plan: &Plan, summary: SummaryRef<'_>, out: &mut Vec<u8>) {
    if plan.envelope {
        writer.envelope(out, summary.envelope());
    }
    if plan.body {
        writer.body_without_extensions(out, summary.body());
    }
    if plan.body_structure {
        writer.body_structure(out, summary.bodystructure());
    }
}

/// Returns the name under which a section is answered.
pub(super) fn body_name(label: &Label) -> BodyName<'_> {
    match label {
        Label::Section(section, origin) => BodyName::Section(section, *origin),
        Label::Rfc822 => BodyName::Rfc822,
        Label::Rfc822Header => BodyName::Rfc822Header,
        Label::Rfc822Text => BodyName::Rfc822Text,
    }
}

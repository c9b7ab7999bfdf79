//! The sample mail of the demo.

use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use mailstore::command::{Command, MailboxCommand, MessageCommand, Subject};
use mailstore::flags::{FlagBits, NamedFlags, SystemFlag};
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::ports::{NodeAdmin, NodeDelivery};
use mailstore::time::InternalDate;
use mailstore::{AccountId, GroupId, StoreError};

use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;

const HOUR: Duration = Duration::from_secs(3600);

/// A message: which mailbox, how many hours old, with which flags, and its text with `{date}` for its date.
type Sample = (&'static str, u32, &'static [SystemFlag], &'static str);

use SystemFlag::{Answered, Draft, Flagged, Seen};

const SAMPLES: &[Sample] = &[
    ("INBOX", 300, &[Seen], include_str!("../../demo/no-subject.eml")),
    ("INBOX", 250, &[Seen], include_str!("../../demo/groups.eml")),
    ("INBOX", 200, &[Seen], include_str!("../../demo/bounce.eml")),
    (
        "INBOX",
        170,
        &[Seen, Flagged],
        include_str!("../../demo/signed.eml"),
    ),
    ("INBOX", 150, &[Seen], include_str!("../../demo/nested.eml")),
    ("INBOX", 120, &[Seen], include_str!("../../demo/forwarded.eml")),
    ("INBOX", 90, &[Seen], include_str!("../../demo/cafe.eml")),
    (
        "INBOX",
        72,
        &[Seen, Answered],
        include_str!("../../demo/figures.eml"),
    ),
    ("INBOX", 50, &[Seen], include_str!("../../demo/plan.eml")),
    (
        "INBOX",
        48,
        &[Seen, Answered],
        include_str!("../../demo/plan-reply.eml"),
    ),
    ("INBOX", 40, &[Flagged], include_str!("../../demo/invitation.eml")),
    ("INBOX", 30, &[], include_str!("../../demo/plan-last.eml")),
    ("INBOX", 20, &[], include_str!("../../demo/newsletter.eml")),
    ("INBOX", 12, &[], include_str!("../../demo/postcard.eml")),
    ("INBOX", 5, &[], include_str!("../../demo/tokyo.eml")),
    ("INBOX", 0, &[], include_str!("../../demo/welcome.eml")),
    ("Sent", 45, &[Seen], include_str!("../../demo/plan-sent.eml")),
    ("Drafts", 2, &[Seen, Draft], include_str!("../../demo/draft.eml")),
    ("Archive", 900, &[Seen], include_str!("../../demo/receipt.eml")),
    ("Junk", 60, &[], include_str!("../../demo/junk.eml")),
    ("Trash", 80, &[Seen], include_str!("../../demo/trash.eml")),
    (
        "Lists/distributed",
        26,
        &[Seen],
        include_str!("../../demo/list.eml"),
    ),
    (
        "Lists/distributed",
        25,
        &[],
        include_str!("../../demo/list-reply.eml"),
    ),
    (
        "Projects/Facteur",
        400,
        &[Seen],
        include_str!("../../demo/design.eml"),
    ),
];

/// The account that the sample mail is for, and the node that leads its group.
pub struct Destination<'a> {
    /// The node, as administrators see it.
    pub admin: &'a dyn NodeAdmin,
    /// The node, as mail comes in.
    pub delivery: &'a dyn NodeDelivery,
    /// The group of the account.
    pub group: GroupId,
    /// The account.
    pub account: AccountId,
}

/// Stores the sample mail. The messages of a mailbox come in by one command, so that none of them is there twice after
/// a start that was cut off.
///
/// # Errors
/// When the storage refuses.
pub async fn deliver(destination: &Destination<'_>) -> Result<(), Failure> {
    let mut mailboxes: Vec<&str> = SAMPLES.iter().map(|(mailbox, ..)| *mailbox).collect();
    mailboxes.dedup();
    for mailbox in mailboxes {
        let delivered = destination.deliver_to(mailbox).await;
        delivered.or_exit(Exit::Unavailable, format_args!("sample mail for {mailbox}"))?;
    }
    Ok(())
}

impl Destination<'_> {
    async fn deliver_to(&self, mailbox: &str) -> Result<(), StoreError> {
        let name = MailboxName::parse(mailbox).map_err(mailstore::Rejection::from)?;
        let tree = self.admin.account_tree(self.account).await?;
        let known = tree.entries.iter().find(|entry| entry.name == name);
        let kept = known.and_then(|entry| entry.mailbox.as_ref());
        if kept.is_some_and(|mailbox| mailbox.messages > 0) {
            return Ok(());
        }
        let mut messages = Vec::new();
        for (_, hours, flags, text) in SAMPLES.iter().filter(|sample| sample.0 == mailbox) {
            messages.push(self.store(*hours, flags, text).await?);
        }
        let append = MessageCommand::Append {
            mailbox: name.clone(),
            messages,
            create: true,
        };
        let subscribe = MailboxCommand::Subscribe {
            name,
            subscribed: true,
        };
        for command in [Command::Message(append), Command::Mailbox(subscribe)] {
            let subject = Subject::Account(self.account);
            self.admin.propose(subject, None, command).await?;
        }
        Ok(())
    }

    async fn store(&self, hours: u32, flags: &[SystemFlag], text: &str) -> Result<NewMessage, StoreError> {
        let seconds = Machine::timestamp().before(HOUR * hours).seconds();
        let seconds = i64::try_from(seconds).unwrap_or_default();
        let content = Bytes::from(message(text, seconds));
        let size = content.len() as u64;
        let mut upload = self.delivery.upload_to_group(self.group, size).await?;
        upload.push(content).await?;
        let stored = upload.finish().await?;
        Ok(NewMessage {
            blob: stored.blob,
            size: stored.size,
            flags: NamedFlags {
                system: flags
                    .iter()
                    .fold(FlagBits::EMPTY, |bits, flag| bits.with(FlagBits::system(*flag))),
                keywords: Vec::new(),
            },
            internal_date: InternalDate {
                seconds,
                zone_minutes: 0,
            },
            email_id: EmailId(Machine::random()),
        })
    }
}

/// Returns the message as it is stored: dated, and with the line ends of RFC 5322 §2.3.
fn message(text: &str, seconds: i64) -> String {
    text.replace("{date}", &date(seconds)).replace('\n', "\r\n")
}

/// Returns a date as in RFC 5322 §3.3.
fn date(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    jiff::fmt::rfc2822::to_string(&at.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn dates_are_those_of_messages() {
        assert_eq!(date(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 +0000");
    }

    #[test]
    fn every_sample_is_a_dated_message_with_network_line_ends() {
        for (mailbox, hours, _, text) in SAMPLES {
            let message = message(text, 1_700_000_000);
            assert!(
                message.contains("\r\nDate: Tue, 14 Nov 2023"),
                "{mailbox}, {hours} hours"
            );
            assert!(message.contains("\r\n\r\n"), "{mailbox}, {hours} hours");
            assert!(!message.contains('{'), "{mailbox}, {hours} hours");
            assert_eq!(message.matches('\n').count(), message.matches("\r\n").count());
        }
    }

    #[test]
    fn the_samples_are_different_and_those_of_a_mailbox_stand_together() {
        let texts: HashSet<_> = SAMPLES.iter().map(|sample| sample.3).collect();
        assert_eq!(texts.len(), SAMPLES.len());
        let mut mailboxes: Vec<_> = SAMPLES.iter().map(|sample| sample.0).collect();
        mailboxes.dedup();
        let distinct: HashSet<_> = mailboxes.iter().collect();
        assert_eq!(distinct.len(), mailboxes.len());
    }
}

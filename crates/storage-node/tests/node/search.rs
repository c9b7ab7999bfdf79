//! Search, key by key.

use mailstore::flags::{Keyword, NamedFlags, SystemFlag};
use mailstore::ports::Mail;
use mailstore::search::{Comparison, DateField, SearchKey, SearchProgram};
use mailstore::{MailboxId, ModSeq, Rejection, UidSet};
use simulation::Session;

use crate::support::{everything, flagged, inbox, mail, mailbox_id, no_flags, uid, uids, world};

async fn found(session: &Session, mailbox: MailboxId, key: SearchKey) -> Vec<u32> {
    let program = SearchProgram {
        key,
        within: UidSet::range(uid(1), uid(u32::MAX)),
    };
    let result = session.router.search(&session.caller, mailbox, program).await;
    result
        .expect("a result")
        .uids
        .iter()
        .map(|uid| uid.get())
        .collect()
}

/// Days since the epoch of 2026-01-01, when the world began.
const TODAY: i32 = 20_454;

async fn filled() -> (simulation::World, Session, MailboxId) {
    let (world, mut session) = world().await;
    let important = NamedFlags {
        keywords: vec![Keyword::new("$Important").expect("a keyword")],
        ..no_flags()
    };
    let german = "From: Uwe <uwe@example.de>\r\nSubject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\
                  Date: Fri, 2 Jan 2026 23:30:00 -0500\r\n\
                  Content-Type: text/plain; charset=ISO-8859-1\r\n\
                  Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6ne Tage\r\n";
    let bodies = [
        (mail("Hello", "the quick brown fox"), flagged(SystemFlag::Seen)),
        (mail("World", &"lazy dog ".repeat(20_000)), important),
        (german.as_bytes().to_vec(), no_flags()),
    ];
    for (octets, flags) in bodies {
        session.append(&inbox(), &octets, flags).await.expect("appended");
    }
    let mailbox = mailbox_id(&session, "INBOX").await;
    (world, session, mailbox)
}

#[tokio::test(start_paused = true)]
async fn keys_on_state_and_record() {
    let (_world, session, mailbox) = filled().await;
    let check = async |key: SearchKey, expected: &[u32]| {
        assert_eq!(found(&session, mailbox, key.clone()).await, expected, "{key:?}");
    };
    let seen = || SearchKey::Flag(SystemFlag::Seen);
    check(SearchKey::All, &[1, 2, 3]).await;
    check(seen(), &[1]).await;
    check(SearchKey::Not(Box::new(seen())), &[2, 3]).await;
    let keyword = |text| SearchKey::Keyword(Keyword::new(text).expect("a keyword"));
    check(keyword("$important"), &[2]).await;
    check(keyword("$Unknown"), &[]).await;
    check(SearchKey::Uids(uids(&[2, 9])), &[2]).await;
    check(SearchKey::Or(Box::new((seen(), keyword("$Important")))), &[1, 2]).await;
    check(SearchKey::And(vec![SearchKey::All, seen()]), &[1]).await;
    check(SearchKey::Size(Comparison::Above, 1000), &[2]).await;
    check(SearchKey::Size(Comparison::Below, 1000), &[1, 3]).await;
    let size = u32::try_from(mail("Hello", "the quick brown fox").len()).expect("small");
    check(SearchKey::Size(Comparison::At, size), &[1]).await;
    check(SearchKey::ModSeq(ModSeq(1)), &[1, 2, 3]).await;
    let last = everything(&session, "INBOX").await.mailbox.highest_modseq;
    check(SearchKey::ModSeq(last), &[3]).await;
    let parts = mailstore::query::MessageParts::default();
    let second = session
        .messages(mailbox, uids(&[2]), parts)
        .await
        .expect("a message");
    check(SearchKey::EmailId(second[0].record.email_id), &[2]).await;
}

#[tokio::test(start_paused = true)]
async fn keys_on_dates() {
    let (_world, session, mailbox) = filled().await;
    let check = async |key: SearchKey, expected: &[u32]| {
        assert_eq!(found(&session, mailbox, key.clone()).await, expected, "{key:?}");
    };
    let date = |field, comparison, day| SearchKey::Date(field, comparison, day);
    for field in [DateField::Internal, DateField::Saved] {
        check(date(field, Comparison::At, TODAY), &[1, 2, 3]).await;
        check(date(field, Comparison::Below, TODAY), &[]).await;
        check(date(field, Comparison::Above, TODAY), &[1, 2, 3]).await;
        check(date(field, Comparison::Above, TODAY + 1), &[]).await;
    }
    check(date(DateField::Sent, Comparison::At, TODAY), &[1, 2]).await;
    // The day where the sender was (RFC 9051 §6.4.4).
    check(date(DateField::Sent, Comparison::At, TODAY + 1), &[3]).await;
    let began = i64::from(TODAY) * 86_400;
    let younger = |now| SearchKey::Younger { seconds: 3600, now };
    check(younger(began + 60), &[1, 2, 3]).await;
    check(younger(began + 86_400), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn keys_on_text() {
    let (_world, session, mailbox) = filled().await;
    let check = async |key: SearchKey, expected: &[u32]| {
        assert_eq!(found(&session, mailbox, key.clone()).await, expected, "{key:?}");
    };
    let header = |name: &str, value: &str| SearchKey::Header {
        name: name.into(),
        value: value.into(),
    };
    check(header("Subject", "WORLD"), &[2]).await;
    check(header("subject", "grüße"), &[3]).await;
    check(header("Message-ID", ""), &[1, 2]).await;
    check(header("X-None", ""), &[]).await;
    check(SearchKey::Body("QUICK brown".into()), &[1]).await;
    check(SearchKey::Body("dog lazy dog".into()), &[2]).await;
    check(SearchKey::Body("schöne".into()), &[3]).await;
    check(SearchKey::Body("Hello".into()), &[]).await;
    check(SearchKey::Text("hello".into()), &[1]).await;
    check(SearchKey::Text("uwe@example.de".into()), &[3]).await;
    check(SearchKey::Text("nowhere".into()), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_search_looks_at_nothing_that_the_session_was_not_told_of() {
    let (_world, session, mailbox) = filled().await;
    let program = SearchProgram {
        key: SearchKey::All,
        within: uids(&[1, 3, 8]),
    };
    let result = session.router.search(&session.caller, mailbox, program).await;
    let result = result.expect("a result");
    assert_eq!(result.uids, uids(&[1, 3]));
    let last = everything(&session, "INBOX").await.mailbox.highest_modseq;
    assert_eq!(result.highest_modseq, Some(last));
    let program = SearchProgram {
        key: SearchKey::All,
        within: uids(&[1]),
    };
    let nowhere = session
        .router
        .search(&session.caller, MailboxId(999), program)
        .await;
    assert_eq!(nowhere.err(), Some(Rejection::NoSuchMailbox.into()));
}

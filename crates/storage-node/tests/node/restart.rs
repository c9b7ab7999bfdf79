//! What is left after a restart.

use mailstore::command::MailboxCommand;
use mailstore::query::MailboxChanges;
use simulation::{Session, World};

use crate::support::{DEMO, PASSWORD, everything, inbox, mail, name, no_flags, uid, world};

async fn fill(session: &mut Session) {
    let create = MailboxCommand::Create {
        name: name("new"),
        special_use: Default::default(),
    };
    session.mailbox(create).await.expect("made");
    for number in 0..30 {
        let octets = mail(&format!("s{number}"), &"text ".repeat(number * 50));
        session
            .append(&inbox(), &octets, no_flags())
            .await
            .expect("appended");
    }
}

async fn check(world: &World, before: &MailboxChanges) {
    let session = world.session(DEMO, PASSWORD).await.expect("a login");
    assert_eq!(everything(&session, "INBOX").await, *before);
    everything(&session, "new").await;
    for number in 0..30_u32 {
        let octets = mail(&format!("s{number}"), &"text ".repeat(number as usize * 50));
        let read = session.content(before.mailbox.id, uid(number + 1)).await;
        assert_eq!(read, Ok(Some(octets)), "message {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_restart_keeps_everything() {
    let (mut world, mut session) = world().await;
    fill(&mut session).await;
    let before = everything(&session, "INBOX").await;
    world.stop("node-1").await.expect("stops in order");
    world.boot("node-1").await.expect("starts again");
    check(&world, &before).await;
}

#[tokio::test(start_paused = true)]
async fn a_loss_of_power_keeps_what_was_acknowledged() {
    let (mut world, mut session) = world().await;
    fill(&mut session).await;
    let before = everything(&session, "INBOX").await;
    for _ in 0..5 {
        world.cut_power("node-1").await;
        world.boot("node-1").await.expect("starts again");
        check(&world, &before).await;
    }
}

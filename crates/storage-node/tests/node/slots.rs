//! Slots that are moved from group to group while their accounts are written to.

use std::time::Duration;

use mailstore::command::{AccountCommand, AddressCommand, Command, MessageCommand, Subject};
use mailstore::query::MailboxRef;
use mailstore::rows::ReadRows;
use mailstore::slots::MoveId;
use mailstore::time::Timestamp;
use mailstore::{GroupId, ModSeq, StoreError, read};
use storage_node::{Replication, SlotLedger, SlotMover};

use crate::slots_stage::{ACCOUNT, NODES, PAUSE, Stage, account, message, name, until};
use crate::support::{address, inbox, mail};

/// Writes while the mover of a node works, until the move is closed.
async fn write_while_moving(stage: &mut Stage, node: u64) -> usize {
    let (replicas, ledger) = (stage.replicas(node).expect("it runs"), stage.ledger.clone());
    let mover = SlotMover::new(replicas, ledger.clone());
    let moving = async {
        while ledger.stage().is_some() {
            mover.round().await.expect("the ledger answers");
            tokio::time::sleep(PAUSE).await;
        }
    };
    let mut moving = std::pin::pin!(moving);
    let before = stage.client.written.len();
    let mut moved = false;
    while !moved {
        let mut write = std::pin::pin!(stage.write_one());
        tokio::select! {
            biased;
            () = &mut moving, if !moved => { moved = true; write.await; }
            () = &mut write => {}
        }
    }
    stage.client.written.len() - before
}

#[tokio::test(start_paused = true)]
async fn slots_move_there_and_back_under_writes_and_clients_see_a_short_stall() {
    let mut stage = Stage::new(1).await;
    stage.write(20).await;
    let reserve = AddressCommand::Reserve { account: ACCOUNT };
    let record = Subject::Address(address("demo@example.org"));
    let holder = GroupId(1 + u32::from(address("demo@example.org").slot().0 % 2));
    stage.propose_at(holder, record, Command::Address(reserve)).await;
    stage.client.slowest = Duration::ZERO;
    for (moving, back) in [(1, false), (2, true), (3, false)] {
        stage.begin(moving, back);
        let written = write_while_moving(&mut stage, 1).await;
        assert!(written > 3, "{written} writes went on meanwhile");
        let (from, to) = stage.groups;
        let (holder, left) = if back { (from, to) } else { (to, from) };
        stage.assert_all_in(holder).await;
        stage.assert_cleared(left).await;
    }
    let slowest = stage.client.slowest;
    assert!(slowest < Duration::from_millis(500), "a write took {slowest:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_the_old_group_is_told_the_new_one() {
    let mut stage = Stage::new(2).await;
    stage.write(1).await;
    stage.begin(1, false);
    stage.finish().await;
    let (from, to) = stage.groups;
    let leader = until("a leader", async || stage.leader_of(from)).await;
    let replicas = stage.replicas(leader).expect("it runs");
    let moved = Err(StoreError::WrongGroup {
        epoch: 1,
        group: Some(to),
    });
    assert_eq!(replicas.ask(from, &account(), Box::new(|_| ())).await, moved);
    let entry = stage.client.entry(
        account(),
        Command::Account(AccountCommand::SetSuspended(false)),
        Timestamp(1_750_000_000_000),
    );
    assert_eq!(replicas.propose(from, entry).await.map(drop), moved);
}

/// The mover is cut off after any time, and another one goes on at another node.
#[tokio::test(start_paused = true)]
async fn a_mover_that_is_cut_off_anywhere_is_followed_by_another() {
    let mut cut_off = 0;
    for delay in (1..80).step_by(4) {
        let mut stage = Stage::new(3).await;
        stage.write(5).await;
        stage.begin(1, false);
        let first = tokio::time::timeout(Duration::from_millis(delay), stage.round(1)).await;
        cut_off += u32::from(first.is_err());
        stage.finish().await;
        stage.write(2).await;
        stage.assert_all_in(stage.groups.1).await;
        stage.assert_cleared(stage.groups.0).await;
    }
    assert!(cut_off >= 5, "{cut_off} movers were cut off");
}

/// The leader of one of the groups loses its power after any time.
async fn leader_dies(of_target: bool) {
    for delay in (0..80).step_by(16) {
        let mut stage = Stage::new(4).await;
        stage.write(5).await;
        stage.begin(1, false);
        let (from, to) = stage.groups;
        let victim = until("a leader", async || {
            stage.leader_of(if of_target { to } else { from })
        })
        .await;
        let survivor = victim % NODES + 1;
        // What the mover does is cut off somewhere, as by a process that ends with it.
        drop(tokio::time::timeout(Duration::from_millis(delay), stage.round(survivor)).await);
        stage.world.cut_power(&name(victim)).await;
        // The others go on without it, moving and writing.
        write_while_moving(&mut stage, survivor).await;
        stage.world.boot(&name(victim)).await.expect("it starts again");
        stage.write(2).await;
        let holder = stage.holder().await;
        stage.assert_all_in(holder).await;
        if holder == from {
            // It was given up, which took too long. The next attempt succeeds.
            stage.begin(2, false);
            stage.finish().await;
            stage.assert_all_in(to).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_leader_of_the_source_dies_at_any_step() {
    leader_dies(false).await;
}

#[tokio::test(start_paused = true)]
async fn the_leader_of_the_target_dies_at_any_step() {
    leader_dies(true).await;
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_given_up_leaves_everything_where_it_was() {
    for delay in (0..60).step_by(6) {
        let mut stage = Stage::new(5).await;
        stage.write(5).await;
        stage.begin(1, false);
        drop(tokio::time::timeout(Duration::from_millis(delay), stage.round(1)).await);
        let given_up = stage.ledger.give_up(MoveId(1)).await.is_ok();
        stage.finish().await;
        stage.write(2).await;
        let (from, to) = stage.groups;
        let (holder, left) = if given_up { (from, to) } else { (to, from) };
        stage.assert_all_in(holder).await;
        stage.assert_cleared(left).await;
        stage.begin(2, !given_up);
        stage.finish().await;
        stage.assert_all_in(left).await;
    }
}

/// A large account goes in several pieces, some of which arrive while it is changed.
#[tokio::test(start_paused = true)]
async fn an_account_larger_than_an_entry_is_moved_whole() {
    let mut stage = Stage::new(6).await;
    let octets = mail("many", "text");
    let blob = stage.upload(&octets).await;
    for _ in 0..15 {
        let append = MessageCommand::Append {
            mailbox: inbox(),
            messages: vec![message(blob, octets.len()); 1000],
            create: false,
        };
        let time = Timestamp(1_750_000_000_000);
        let entry = stage.client.entry(account(), Command::Message(append), time);
        assert!(stage.commit(entry).await.is_ok());
    }
    let (from, to) = stage.groups;
    let hash = |rows: &dyn ReadRows| {
        let inbox = MailboxRef::Name(inbox());
        read::changes(rows, &inbox, ModSeq::ZERO)
            .expect("sound rows")
            .expect("INBOX")
    };
    let before = stage.ask(from, hash).await.expect("the source answers");
    stage.begin(1, false);
    stage.finish().await;
    let after = stage.ask(to, hash).await.expect("the target answers");
    assert_eq!(before.changed.len(), 15_000);
    assert_eq!(before, after);
    stage.assert_cleared(from).await;
}

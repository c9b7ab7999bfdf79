//! The procedure that moves slots.

use std::time::Duration;

use async_trait::async_trait;
use consensus::NodeId;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mailstore::slots::{MoveId, SlotCommand, SlotStep};
use mailstore::{GroupId, StoreError};
use rpc::{GroupView, SlotMove};

use crate::replicas::Replicas;

/// A pass that copied no more than this is followed by the freeze.
const LAST_PASS_SUBJECTS: u64 = 32;
/// How long a source may stay frozen before the move is given up.
const FREEZE_TIME_MAX: Duration = Duration::from_secs(4);
/// The pause between two looks at what is missing while the source is frozen.
const FROZEN_PAUSE: Duration = Duration::from_millis(20);
/// How long a node may take to say whether it leads.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

/// A move as it is recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedMove {
    /// What moves.
    pub slots: SlotMove,
    /// How far it is decided.
    pub stage: SlotStage,
}

/// How far a move is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotStage {
    /// The source has the slots. The move may be given up.
    Open,
    /// The target has them, from this epoch of the slot map on.
    Decided {
        /// The epoch.
        epoch: u64,
    },
    /// It is given up, and the source keeps them.
    GivenUp,
}

/// Where moves are recorded and decided. A move has one fate, whoever asks for another.
#[async_trait]
pub trait SlotLedger: Send + Sync {
    /// Returns the moves that are not closed.
    ///
    /// # Errors
    /// When they cannot be read now.
    async fn moves(&self) -> Result<Vec<RecordedMove>, StoreError>;

    /// Gives the slots to the target. Returns the epoch from which on it has them.
    ///
    /// # Errors
    /// When that is not known to have happened, and when the move has been given up.
    async fn decide(&self, moving: MoveId) -> Result<u64, StoreError>;

    /// Gives the move up.
    ///
    /// # Errors
    /// When that is not known to have happened, and when the target has the slots.
    async fn give_up(&self, moving: MoveId) -> Result<(), StoreError>;

    /// Forgets a move of which nothing is left to do.
    ///
    /// # Errors
    /// When that is not known to have happened.
    async fn close(&self, moving: MoveId) -> Result<(), StoreError>;
}

/// Carries moves of slots out. Every step may be repeated, here or by another mover at the same time.
pub struct SlotMover<L> {
    replicas: Replicas,
    ledger: L,
}

impl<L: SlotLedger> SlotMover<L> {
    /// Returns a mover that reaches other nodes as these replicas do.
    #[must_use]
    pub fn new(replicas: Replicas, ledger: L) -> Self {
        Self { replicas, ledger }
    }

    /// Gets on with every move for some time. An error of one stops no other.
    ///
    /// # Errors
    /// When the moves cannot be read now.
    pub async fn round(&self) -> Result<(), StoreError> {
        for recorded in self.ledger.moves().await? {
            if let Err(error) = self.step(&recorded).await {
                let moving = recorded.slots.moving.0;
                tracing::info!(moving, %error, "slots are moved on in the next round");
            }
        }
        Ok(())
    }

    /// Gets on with a move for some time.
    ///
    /// # Errors
    /// Those of the nodes that take part, and of the ledger. The step is to be repeated.
    pub async fn step(&self, recorded: &RecordedMove) -> Result<(), StoreError> {
        let slots = &recorded.slots;
        match recorded.stage {
            SlotStage::Open => self.copy(slots).await,
            SlotStage::Decided { epoch } => {
                self.settle(slots, epoch).await?;
                self.close(slots, slots.from).await
            }
            SlotStage::GivenUp => {
                self.undo(slots).await?;
                self.close(slots, slots.to).await
            }
        }
    }

    /// Lets the target copy, and cuts over when little is left.
    async fn copy(&self, slots: &SlotMove) -> Result<(), StoreError> {
        self.take(slots, slots.to, SlotStep::Accept { from: slots.from })
            .await?;
        let copied = self.copy_once(slots, false).await?;
        let complete = self.content_is_there(slots, copied.upto).await?;
        if copied.remaining > 0 || copied.copied > LAST_PASS_SUBJECTS || !complete {
            return Ok(());
        }
        let cut_over = tokio::time::timeout(FREEZE_TIME_MAX, self.cut_over(slots));
        let outcome = cut_over.await.unwrap_or(Err(StoreError::Unavailable(
            "the last changes were not copied in time",
        )));
        match outcome {
            Ok(epoch) => self.settle(slots, epoch).await,
            Err(error) => {
                // Whether the target has the slots or they are given up is the ledger's to say: one who comes second
                // is refused, and goes on in the next round as it was decided.
                self.ledger.give_up(slots.moving).await?;
                tracing::warn!(moving = slots.moving.0, %error, "move of slots is given up");
                self.undo(slots).await
            }
        }
    }

    /// Freezes the source, copies the last changes, and decides. The source may not be thawed from here on but by
    /// giving the move up: somebody else may be just about to decide.
    async fn cut_over(&self, slots: &SlotMove) -> Result<u64, StoreError> {
        self.take(slots, slots.from, SlotStep::Freeze { to: slots.to })
            .await?;
        loop {
            let copied = self.copy_once(slots, true).await?;
            if copied.remaining == 0 {
                while !self.content_is_there(slots, copied.upto).await? {
                    tokio::time::sleep(FROZEN_PAUSE).await;
                }
                return self.ledger.decide(slots.moving).await;
            }
        }
    }

    /// Makes both groups know what was decided. The source knows it first, so that never both answer.
    async fn settle(&self, slots: &SlotMove, epoch: u64) -> Result<(), StoreError> {
        let release = SlotStep::Release { epoch, to: slots.to };
        self.take(slots, slots.from, release).await?;
        self.take(slots, slots.to, SlotStep::Own).await
    }

    async fn undo(&self, slots: &SlotMove) -> Result<(), StoreError> {
        self.take(slots, slots.from, SlotStep::Thaw).await?;
        self.take(slots, slots.to, SlotStep::Refuse).await
    }

    /// Removes what is left in a group that does not have the slots, and then closes the move.
    async fn close(&self, slots: &SlotMove, left: GroupId) -> Result<(), StoreError> {
        let cleared = self.replicas.at_slot_leader(left, |leader| async move {
            leader.clear_slots(left, slots.slots.clone()).await
        });
        if cleared.await? {
            self.ledger.close(slots.moving).await?;
        }
        Ok(())
    }

    async fn take(&self, slots: &SlotMove, group: GroupId, step: SlotStep) -> Result<(), StoreError> {
        let command = SlotCommand {
            moving: slots.moving,
            slots: slots.slots.clone(),
            step,
        };
        let command = &command;
        self.replicas
            .at_slot_leader(group, |leader| async move {
                leader.take_slot_step(group, command.clone()).await
            })
            .await
    }

    async fn copy_once(&self, slots: &SlotMove, urgent: bool) -> Result<rpc::CopyProgress, StoreError> {
        self.replicas
            .at_slot_leader(slots.to, |leader| async move {
                leader.copy_slots(slots.clone(), urgent).await
            })
            .await
    }

    /// Tells whether a majority of the target's voters have all content that arrived rows name, up to an entry.
    async fn content_is_there(&self, slots: &SlotMove, upto: u64) -> Result<bool, StoreError> {
        let Some(view) = self.view_of(slots.to).await else {
            return Err(StoreError::Unavailable("the target has no leader"));
        };
        if view.changing {
            return Ok(false);
        }
        let voting = view.members.iter().filter(|member| member.votes);
        let voters: Vec<NodeId> = voting.map(|member| NodeId(member.node)).collect();
        let asked = voters.iter().map(|node| async move {
            let control = self.replicas.slots_of(*node)?;
            let progress = control.fetch_slot_content(slots.clone(), upto).await;
            let complete = progress
                .inspect_err(|error| tracing::debug!(node = node.0, %error, "a replica could not be asked"))
                .is_ok_and(|progress| progress.is_complete());
            complete.then_some(())
        });
        // Those that are slower, or do not answer, need not be waited for.
        let mut asked: FuturesUnordered<_> = asked.collect();
        let mut complete = 0;
        while let Some(answer) = asked.next().await {
            complete += usize::from(answer.is_some());
            if complete > voters.len() / 2 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns a group as its leader describes it.
    async fn view_of(&self, group: GroupId) -> Option<GroupView> {
        for node in self.replicas.likely_leaders(group) {
            let Some(control) = self.replicas.groups_of(node) else {
                continue;
            };
            let asked = tokio::time::timeout(ANSWER_TIME_MAX, control.group_status(group)).await;
            if let Ok(Ok(view)) = asked
                && view.leads
            {
                return Some(view);
            }
        }
        None
    }
}

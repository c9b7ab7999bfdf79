//! What is asked of storage nodes when slots move from one group to another.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::command::Subject;
use mailstore::slots::{MoveId, SlotCommand, SlotSet};
use mailstore::{DecodeError, GroupId, StoreError, codec};
use tonic::{Request, Response, Status};

use crate::generated::node as proto;
use crate::generated::node::slots_client::SlotsClient as Client;
use crate::generated::node::slots_server::{Slots, SlotsServer};
use crate::status::{status, store_error, unreadable, unreadable_answer};
use crate::transport::{Connection, Dialer, Services, may_use_raft};

/// Time that an answer may take. Work that takes longer is cut by whoever does it.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Largest answer that is taken: a list of a million accounts, or rows with one that is as large as rows are.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A move of slots from one group to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotMove {
    /// Its number.
    pub moving: MoveId,
    /// The source.
    pub from: GroupId,
    /// The target.
    pub to: GroupId,
    /// What moves.
    pub slots: SlotSet,
}

/// An account or address record in a slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotSubject {
    /// Which.
    pub subject: Subject,
    /// The entry of the group's log that last changed it.
    pub index: u64,
}

/// Some rows of an account or address record. Those that name the same entry belong to one state of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SubjectRows {
    /// The entry that last changed it, `None` where there is nothing.
    pub index: Option<u64>,
    /// Keys and values, ascending.
    pub rows: Vec<(Bytes, Bytes)>,
    /// Whether no rows are behind these.
    pub is_last: bool,
}

/// How far the target has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CopyProgress {
    /// Accounts and address records that were copied by this call.
    pub copied: u64,
    /// Those that were still to be copied when it ended.
    pub remaining: u64,
    /// The last entry of the target's log when it ended.
    pub upto: u64,
}

/// What a replica of the target has of the content that the rows in moving slots name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ContentProgress {
    /// Whether all rows up to the entry that was asked for have been looked through.
    pub looked: bool,
    /// Blobs that they name and that are not there.
    pub missing: u64,
}

impl ContentProgress {
    /// Returns whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.looked && self.missing == 0
    }
}

/// The replicas of one storage node, here or elsewhere, for whoever moves slots. Each call may be repeated.
#[async_trait]
pub trait SlotControl: Send + Sync + 'static {
    /// Commits a step of a move at one of the two groups.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and a rejection when the slots are not in the state for the step.
    async fn take_slot_step(&self, group: GroupId, command: SlotCommand) -> Result<(), StoreError>;

    /// Lists what lies in the slots.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`].
    async fn slot_subjects(&self, group: GroupId, slots: SlotSet) -> Result<Vec<SlotSubject>, StoreError>;

    /// Reads rows behind a key.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`].
    async fn subject_rows(
        &self,
        group: GroupId,
        subject: Subject,
        after: Option<Bytes>,
    ) -> Result<SubjectRows, StoreError>;

    /// Copies what the source has and the target has not, for some time. Not bounded in its rate when it is urgent,
    /// because the source is frozen.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when this node does not lead the target, those of the source, and a rejection when the
    /// target does not accept the slots.
    async fn copy_slots(&self, slots: SlotMove, urgent: bool) -> Result<CopyProgress, StoreError>;

    /// Fetches content that arrived rows name, for some time, and says what is missing.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when the node has no replica of the target.
    async fn fetch_slot_content(&self, slots: SlotMove, upto: u64) -> Result<ContentProgress, StoreError>;

    /// Removes what is left in slots that another group has, for some time. Returns whether nothing is left.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and a rejection when the group may still be asked for it.
    async fn clear_slots(&self, group: GroupId, slots: SlotSet) -> Result<bool, StoreError>;
}

impl Services {
    /// Offers the replicas of this node to those who move slots.
    pub fn add_slots(&mut self, slots: Arc<dyn SlotControl>) {
        self.add(SlotsServer::new(HandlerServer { slots }));
    }
}

/// The replicas of one other storage node.
#[derive(Clone)]
pub struct SlotsClient {
    client: Client<Connection>,
}

impl SlotsClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        let client = Client::new(dialer.channel());
        Self {
            client: client.max_decoding_message_size(ANSWER_BYTES_MAX),
        }
    }
}

async fn answered<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_TIME_MAX, call).await {
        Ok(answer) => answer
            .map(Response::into_inner)
            .map_err(|status| store_error(&status)),
        Err(_) => Err(StoreError::OutcomeUnknown),
    }
}

#[async_trait]
impl SlotControl for SlotsClient {
    async fn take_slot_step(&self, group: GroupId, command: SlotCommand) -> Result<(), StoreError> {
        let request = proto::TakeSlotStepRequest {
            group: group.0,
            command: codec::encode_slot_command(&command),
        };
        answered(self.client.clone().take_slot_step(request))
            .await
            .map(drop)
    }

    async fn slot_subjects(&self, group: GroupId, slots: SlotSet) -> Result<Vec<SlotSubject>, StoreError> {
        let request = proto::ListSlotSubjectsRequest {
            group: group.0,
            slots: codec::encode_slot_set(&slots),
        };
        let listed = answered(self.client.clone().list_slot_subjects(request)).await?;
        let subjects = listed.subjects.into_iter().map(|listed| {
            Ok(SlotSubject {
                subject: codec::decode_subject(listed.subject)?,
                index: listed.index,
            })
        });
        let subjects: Result<_, DecodeError> = subjects.collect();
        subjects.map_err(|error| unreadable_answer(&error))
    }

    async fn subject_rows(
        &self,
        group: GroupId,
        subject: Subject,
        after: Option<Bytes>,
    ) -> Result<SubjectRows, StoreError> {
        let request = proto::ReadSubjectRowsRequest {
            group: group.0,
            subject: codec::encode_subject(&subject),
            after,
        };
        let read = answered(self.client.clone().read_subject_rows(request)).await?;
        Ok(SubjectRows {
            index: read.index,
            rows: read.rows.into_iter().map(|row| (row.key, row.value)).collect(),
            is_last: read.is_last,
        })
    }

    async fn copy_slots(&self, slots: SlotMove, urgent: bool) -> Result<CopyProgress, StoreError> {
        let request = proto::CopySlotsRequest {
            r#move: Some((&slots).into()),
            urgent,
        };
        let progress = answered(self.client.clone().copy_slots(request)).await?;
        Ok(CopyProgress {
            copied: progress.copied,
            remaining: progress.remaining,
            upto: progress.upto_index,
        })
    }

    async fn fetch_slot_content(&self, slots: SlotMove, upto: u64) -> Result<ContentProgress, StoreError> {
        let request = proto::FetchSlotContentRequest {
            r#move: Some((&slots).into()),
            upto_index: upto,
        };
        let progress = answered(self.client.clone().fetch_slot_content(request)).await?;
        Ok(ContentProgress {
            looked: progress.complete,
            missing: progress.missing_blobs,
        })
    }

    async fn clear_slots(&self, group: GroupId, slots: SlotSet) -> Result<bool, StoreError> {
        let request = proto::ClearSlotsRequest {
            group: group.0,
            slots: codec::encode_slot_set(&slots),
        };
        Ok(answered(self.client.clone().clear_slots(request)).await?.done)
    }
}

impl From<&SlotMove> for proto::SlotMove {
    fn from(slots: &SlotMove) -> Self {
        Self {
            moving: slots.moving.0,
            from: slots.from.0,
            to: slots.to.0,
            slots: codec::encode_slot_set(&slots.slots),
        }
    }
}

impl TryFrom<proto::SlotMove> for SlotMove {
    type Error = DecodeError;

    fn try_from(wire: proto::SlotMove) -> Result<Self, DecodeError> {
        Ok(Self {
            moving: MoveId(wire.moving),
            from: GroupId(wire.from),
            to: GroupId(wire.to),
            slots: codec::decode_slot_set(wire.slots)?,
        })
    }
}

/// Reads a move out of a request.
fn slot_move(wire: Option<proto::SlotMove>) -> Result<SlotMove, Status> {
    let wire = wire.ok_or_else(|| unreadable(&DecodeError::Missing("move")))?;
    SlotMove::try_from(wire).map_err(|error| unreadable(&error))
}

struct HandlerServer {
    slots: Arc<dyn SlotControl>,
}

#[async_trait]
impl Slots for HandlerServer {
    async fn take_slot_step(
        &self,
        request: Request<proto::TakeSlotStepRequest>,
    ) -> Result<Response<proto::TakeSlotStepResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let command = codec::decode_slot_command(asked.command).map_err(|error| unreadable(&error))?;
        let taken = self.slots.take_slot_step(GroupId(asked.group), command).await;
        taken.map_err(|error| status(&error))?;
        Ok(Response::new(proto::TakeSlotStepResponse {}))
    }

    async fn list_slot_subjects(
        &self,
        request: Request<proto::ListSlotSubjectsRequest>,
    ) -> Result<Response<proto::ListSlotSubjectsResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let slots = codec::decode_slot_set(asked.slots).map_err(|error| unreadable(&error))?;
        let listed = self.slots.slot_subjects(GroupId(asked.group), slots).await;
        let listed = listed.map_err(|error| status(&error))?;
        let subjects = listed.iter().map(|listed| proto::SlotSubject {
            subject: codec::encode_subject(&listed.subject),
            index: listed.index,
        });
        Ok(Response::new(proto::ListSlotSubjectsResponse {
            subjects: subjects.collect(),
        }))
    }

    async fn read_subject_rows(
        &self,
        request: Request<proto::ReadSubjectRowsRequest>,
    ) -> Result<Response<proto::ReadSubjectRowsResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let subject = codec::decode_subject(asked.subject).map_err(|error| unreadable(&error))?;
        let read = self
            .slots
            .subject_rows(GroupId(asked.group), subject, asked.after)
            .await;
        let read = read.map_err(|error| status(&error))?;
        let rows = read.rows.into_iter();
        Ok(Response::new(proto::ReadSubjectRowsResponse {
            index: read.index,
            rows: rows
                .map(|(key, value)| proto::SubjectRow { key, value })
                .collect(),
            is_last: read.is_last,
        }))
    }

    async fn copy_slots(
        &self,
        request: Request<proto::CopySlotsRequest>,
    ) -> Result<Response<proto::CopySlotsResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let progress = self
            .slots
            .copy_slots(slot_move(asked.r#move)?, asked.urgent)
            .await;
        let progress = progress.map_err(|error| status(&error))?;
        Ok(Response::new(proto::CopySlotsResponse {
            copied: progress.copied,
            remaining: progress.remaining,
            upto_index: progress.upto,
        }))
    }

    async fn fetch_slot_content(
        &self,
        request: Request<proto::FetchSlotContentRequest>,
    ) -> Result<Response<proto::FetchSlotContentResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let progress = self
            .slots
            .fetch_slot_content(slot_move(asked.r#move)?, asked.upto_index)
            .await;
        let progress = progress.map_err(|error| status(&error))?;
        Ok(Response::new(proto::FetchSlotContentResponse {
            complete: progress.looked,
            missing_blobs: progress.missing,
        }))
    }

    async fn clear_slots(
        &self,
        request: Request<proto::ClearSlotsRequest>,
    ) -> Result<Response<proto::ClearSlotsResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let slots = codec::decode_slot_set(asked.slots).map_err(|error| unreadable(&error))?;
        let cleared = self.slots.clear_slots(GroupId(asked.group), slots).await;
        let done = cleared.map_err(|error| status(&error))?;
        Ok(Response::new(proto::ClearSlotsResponse { done }))
    }
}

//! Rebuilding the index from the records, and finding out which groups the damage has hit.

use std::collections::BTreeMap;

use crate::damage::{Certainty, Damage, DamageReason, GroupDamage};
use crate::format::{CheckpointState, Frame, FrameKind};
use crate::index::{Index, Location};
use crate::{BatchNumber, GroupId, LogIndex, SegmentId};

/// The state of a replay.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(crate) index: Index,
    pub(crate) damages: Vec<Damage>,
    groups: BTreeMap<GroupId, Witness>,
    /// The batch that must come next; `None` when any may.
    pub(crate) expected: Option<BatchNumber>,
    /// The newest batch that has been replayed.
    pub(crate) newest: Option<BatchNumber>,
}

/// What is known about the wholeness of one group.
#[derive(Debug, Default, Clone, Copy)]
struct Witness {
    /// How many damages lay before its newest record that followed from the one before it.
    damages_survived: usize,
    broken: Option<Break>,
}

/// Where a group's history was found broken.
#[derive(Debug, Clone, Copy)]
struct Break {
    last_before: Option<LogIndex>,
    highest_behind: Option<LogIndex>,
}

impl Replay {
    /// Returns whether a batch may come after those replayed so far.
    pub(super) fn may_follow(&self, number: BatchNumber) -> bool {
        self.newest.is_none_or(|newest| number > newest)
    }

    /// Replays a batch, or those records of it that are whole.
    pub(super) fn batch(
        &mut self,
        segment: SegmentId,
        number: BatchNumber,
        frames: &[(u64, usize, Frame<'_>)],
    ) {
        for (offset, len, frame) in frames {
            let len = u32::try_from(*len).unwrap_or(u32::MAX);
            self.record(
                frame,
                Location {
                    segment,
                    offset: *offset,
                    len,
                    term: frame.term,
                },
            );
        }
        self.newest = Some(number);
        self.expected = Some(BatchNumber(number.0.saturating_add(1)));
    }

    fn record(&mut self, frame: &Frame<'_>, location: Location) {
        if self
            .groups
            .get(&frame.group)
            .is_some_and(|witness| witness.broken.is_some())
        {
            self.record_behind(frame);
            return;
        }
        match self.index.apply(frame, location) {
            Ok(()) => {
                let damages_survived = self.damages.len();
                self.groups.insert(
                    frame.group,
                    Witness {
                        damages_survived,
                        broken: None,
                    },
                );
            }
            Err(_) => {
                if self.damages.is_empty() {
                    let (segment, offset) = (location.segment, location.offset);
                    let len = u64::from(location.len);
                    self.damages.push(Damage {
                        segment,
                        offset,
                        len,
                        reason: DamageReason::Inconsistent,
                    });
                }
                self.break_group(frame.group);
                self.record_behind(frame);
            }
        }
    }

    fn break_group(&mut self, group: GroupId) {
        let state = self.index.groups.entry(group).or_default();
        let last_before = match state.first_hole() {
            Some(hole) => hole
                .0
                .checked_sub(1)
                .map(LogIndex)
                .filter(|last| Some(*last) >= state.first()),
            None => state.last(),
        };
        let broken = Some(Break {
            last_before,
            highest_behind: None,
        });
        self.groups.entry(group).or_default().broken = broken;
    }

    /// Notes a record behind a gap in its group. Entries there can no longer be believed to follow; a vote is
    /// a promise that holds whatever else was lost.
    fn record_behind(&mut self, frame: &Frame<'_>) {
        if frame.kind == FrameKind::Remove {
            self.index.remove(frame.group);
            self.groups.remove(&frame.group);
            return;
        }
        let checkpoint = (frame.kind == FrameKind::Checkpoint)
            .then(|| CheckpointState::decode(frame.payload))
            .flatten();
        let vote = match &checkpoint {
            Some(state) => state.vote.clone(),
            None => (frame.kind == FrameKind::Vote).then(|| frame.vote()),
        };
        if let (Some(vote), Some(state)) = (vote, self.index.groups.get_mut(&frame.group)) {
            state.vote = Some(vote);
        }
        let highest = match (frame.kind, checkpoint) {
            (FrameKind::Append | FrameKind::Carry, _) => Some(frame.index),
            (_, Some(state)) => last_of(state.entries),
            _ => None,
        };
        if let Some(broken) = self
            .groups
            .get_mut(&frame.group)
            .and_then(|witness| witness.broken.as_mut())
        {
            broken.highest_behind = broken.highest_behind.max(highest);
        }
    }

    /// Finds groups whose entries are not all there.
    pub(super) fn finish(&mut self) {
        let holes: Vec<_> = self
            .index
            .groups
            .iter()
            .filter(|(group, state)| !self.is_broken(**group) && state.first_hole().is_some())
            .map(|(group, state)| (*group, state.last()))
            .collect();
        for (group, last) in holes {
            if self.damages.is_empty() {
                let segment = self.index.segments.keys().next().copied().unwrap_or_default();
                let reason = DamageReason::Inconsistent;
                self.damages.push(Damage {
                    segment,
                    offset: 0,
                    len: 0,
                    reason,
                });
            }
            self.break_group(group);
            if let Some(broken) = self
                .groups
                .get_mut(&group)
                .and_then(|witness| witness.broken.as_mut())
            {
                broken.highest_behind = last;
            }
        }
    }

    fn is_broken(&self, group: GroupId) -> bool {
        self.groups
            .get(&group)
            .is_some_and(|witness| witness.broken.is_some())
    }

    /// Returns the groups that lost records or may have.
    pub(super) fn group_damages(&self) -> Vec<GroupDamage> {
        let mut damages = Vec::new();
        for (group, witness) in &self.groups {
            let Some(state) = self.index.groups.get(group) else {
                continue;
            };
            let damage = match witness.broken {
                Some(broken) => GroupDamage {
                    group: *group,
                    certainty: Certainty::Certain,
                    last_before: broken.last_before,
                    highest_behind: broken.highest_behind,
                },
                None if witness.damages_survived < self.damages.len() => GroupDamage {
                    group: *group,
                    certainty: Certainty::Possible,
                    last_before: state.last(),
                    highest_behind: None,
                },
                None => continue,
            };
            damages.push(damage);
        }
        damages
    }
}

fn last_of((first, count): (LogIndex, u64)) -> Option<LogIndex> {
    (count > 0).then(|| LogIndex(first.0.saturating_add(count - 1)))
}

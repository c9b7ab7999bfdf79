//! An account that is moved back and forth between two groups while commands go on.

use bytes::Bytes;
use mailstore::command::Subject;
use mailstore::rows::MemoryRows;
use mailstore::slots::{CopiedRow, InstallRows, MoveId, RowsCommand, SlotCommand, SlotSet, SlotStep, pieces};
use mailstore::time::Timestamp;
use mailstore::{Command, Entry, GroupId, Rejection, Reply, apply_in_group, read};

type Outcome = Result<Reply, Rejection>;

/// One group: its header, the rows of the account, and the log that made them.
#[derive(Default)]
pub struct Group {
    pub header: MemoryRows,
    pub rows: MemoryRows,
    pub log: Vec<Entry>,
    /// Header and rows behind each entry.
    pub states: Vec<(MemoryRows, MemoryRows)>,
}

impl Group {
    fn propose(&mut self, entry: Entry) -> Outcome {
        let index = self.log.len() as u64 + 1;
        let reply = applied((&mut self.header, &mut self.rows), index, &entry);
        self.log.push(entry);
        self.states.push((self.header.clone(), self.rows.clone()));
        reply
    }
}

/// Applies an entry as a replica does.
pub fn applied((header, rows): (&mut MemoryRows, &mut MemoryRows), index: u64, entry: &Entry) -> Outcome {
    let applied = match entry.subject {
        Subject::Header => apply_in_group(&MemoryRows::new(), header, index, entry),
        Subject::Account(_) | Subject::Address(_) => apply_in_group(&*header, rows, index, entry),
    };
    applied.expect("sound rows").reply
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Resting,
    Copying,
    Frozen,
}

/// Two groups and the move between them.
pub struct Pair {
    pub groups: [Group; 2],
    owner: usize,
    subject: Subject,
    moving: u64,
    copies: u64,
    phase: Phase,
    pub moved: u32,
}

impl Pair {
    pub fn new(subject: Subject) -> Self {
        Self {
            groups: [Group::default(), Group::default()],
            owner: 0,
            subject,
            moving: 0,
            copies: 0,
            phase: Phase::Resting,
            moved: 0,
        }
    }

    pub fn owner(&self) -> &Group {
        &self.groups[self.owner]
    }

    fn id(group: usize) -> GroupId {
        GroupId(u32::try_from(group).expect("one of two") + 1)
    }

    fn step(&mut self, group: usize, step: SlotStep) -> Outcome {
        let slot = self.subject.slot().expect("not the header");
        let command = Command::Slots(SlotCommand {
            moving: MoveId(self.moving),
            slots: SlotSet::from_iter([slot]),
            step,
        });
        self.groups[group].propose(entry(Subject::Header, command))
    }

    /// Takes a copy, of which only some pieces arrive, some of them twice.
    fn copy(&mut self, pieces_max: usize) {
        self.copies += 1;
        let source = &self.groups[self.owner];
        let source_index = source.log.len() as u64;
        let rows = source.rows.iter();
        let rows = pieces(rows.map(|(key, value)| (Bytes::copy_from_slice(key), value.clone())));
        let rows: Vec<_> = rows.into_iter().flatten().flat_map(halves).collect();
        let count = rows.chunks(5).count();
        for (number, rows) in rows.chunks(5).enumerate().take(pieces_max) {
            let piece = InstallRows {
                moving: MoveId(self.moving),
                copy: self.copies,
                source_index,
                piece: u32::try_from(number).expect("few"),
                last: number + 1 == count,
                rows: rows.to_vec(),
            };
            for _ in 0..=number % 2 {
                let install = Command::Rows(RowsCommand::Install(piece.clone()));
                let entry = entry(self.subject.clone(), install);
                assert_eq!(self.groups[1 - self.owner].propose(entry), Ok(Reply::Done));
            }
        }
    }

    /// Does something about the move, as chance wants it.
    pub fn turn(&mut self, chance: u8) {
        let (source, target) = (self.owner, 1 - self.owner);
        match (self.phase, chance % 8) {
            (Phase::Resting, 0..=2) => {
                self.moving += 1;
                let from = Self::id(source);
                assert_eq!(self.step(target, SlotStep::Accept { from }), Ok(Reply::Done));
                self.phase = Phase::Copying;
            }
            (Phase::Copying, 0..=3) => self.copy(usize::from(chance / 8)),
            (Phase::Copying, 4) => {
                let to = Self::id(target);
                assert_eq!(self.step(source, SlotStep::Freeze { to }), Ok(Reply::Done));
                self.phase = Phase::Frozen;
            }
            (Phase::Copying | Phase::Frozen, 5) => self.give_up(),
            (Phase::Frozen, 6..=7) => self.finish(),
            _ => {}
        }
    }

    fn give_up(&mut self) {
        assert_eq!(self.step(self.owner, SlotStep::Thaw), Ok(Reply::Done));
        assert_eq!(self.step(1 - self.owner, SlotStep::Refuse), Ok(Reply::Done));
        self.phase = Phase::Resting;
    }

    fn finish(&mut self) {
        let (source, target) = (self.owner, 1 - self.owner);
        self.copy(usize::MAX);
        let arrival = read::arrival(&self.groups[target].rows).expect("sound rows");
        assert!(arrival.expect("it came").complete);
        let (epoch, to) = (self.moving, Self::id(target));
        assert_eq!(
            self.step(source, SlotStep::Release { epoch, to }),
            Ok(Reply::Done)
        );
        assert_eq!(self.step(target, SlotStep::Own), Ok(Reply::Done));
        self.owner = target;
        self.phase = Phase::Resting;
        self.moved += 1;
        if self.moved.is_multiple_of(2) {
            let remove = entry(self.subject.clone(), Command::Rows(RowsCommand::Remove));
            let removed = self.groups[source].propose(remove);
            assert_eq!(removed, Ok(Reply::RowsRemoved { more: false }));
        }
    }

    /// Commits an entry as a router does: where the account is, once it stands still. The other group refuses it.
    pub fn commit(&mut self, entry: &Entry) -> Outcome {
        let other = self.groups[1 - self.owner].propose(entry.clone());
        let untouched = self.moving == 0;
        assert!(untouched || matches!(other, Err(Rejection::SlotMoving | Rejection::WrongGroup)));
        if untouched {
            let group = &mut self.groups[1 - self.owner];
            group.rows = MemoryRows::new();
            group.log.clear();
            group.states.clear();
        }
        match self.groups[self.owner].propose(entry.clone()) {
            Err(Rejection::SlotMoving) => {
                self.finish();
                self.groups[self.owner].propose(entry.clone())
            }
            outcome => outcome,
        }
    }
}

fn entry(subject: Subject, command: Command) -> Entry {
    Entry {
        subject,
        request: None,
        time: Timestamp(1),
        command,
    }
}

/// Cuts rows that are long in two.
fn halves(CopiedRow { key, mut value, .. }: CopiedRow) -> Vec<CopiedRow> {
    // What counts entries is read as a whole.
    let rest = if value.len() > 64 && key.len() > 1 {
        value.split_off(32)
    } else {
        Bytes::new()
    };
    let append = !rest.is_empty();
    let first = CopiedRow {
        key: key.clone(),
        value,
        append: false,
    };
    let second = CopiedRow {
        key,
        value: rest,
        append,
    };
    if append { vec![first, second] } else { vec![first] }
}

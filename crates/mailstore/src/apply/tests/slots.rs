//! What the header allows, and how copies of subjects come in.

use bytes::Bytes;

use super::*;
use crate::ids::{GroupId, Slot};
use crate::slots::{
    CopiedRow, InstallRows, MoveId, REMOVED_ROWS_MAX, RowsCommand, SlotCommand, SlotSet, SlotStep,
};

const HERE: GroupId = GroupId(1);
const THERE: GroupId = GroupId(2);

/// A group with one account, whose slot may move.
struct Group {
    header: MemoryRows,
    rows: MemoryRows,
    index: u64,
}

impl Group {
    fn new(rows: MemoryRows) -> Self {
        let (header, index) = (MemoryRows::new(), 1_000);
        Self { header, rows, index }
    }

    fn apply(&mut self, subject: Subject, command: Command) -> Applied {
        self.index += 1;
        let entry = Entry {
            subject,
            request: None,
            time: START,
            command,
        };
        let nothing = MemoryRows::new();
        let applied = match &entry.subject {
            Subject::Header => apply_in_group(&nothing, &mut self.header, self.index, &entry),
            Subject::Account(_) | Subject::Address(_) => {
                apply_in_group(&self.header, &mut self.rows, self.index, &entry)
            }
        };
        applied.expect("sound rows")
    }

    fn step(&mut self, moving: u64, step: SlotStep) -> Result<Reply, Rejection> {
        let command = SlotCommand {
            moving: MoveId(moving),
            slots: SlotSet::from_iter([ID.slot()]),
            step,
        };
        self.apply(Subject::Header, Command::Slots(command)).reply
    }

    fn rows_command(&mut self, command: RowsCommand) -> Result<Reply, Rejection> {
        self.apply(Subject::Account(ID), Command::Rows(command)).reply
    }

    fn change(&mut self) -> Result<Reply, Rejection> {
        let command = AccountCommand::SetSuspended(false);
        self.apply(Subject::Account(ID), Command::Account(command)).reply
    }

    fn answers(&self) -> Result<(), Rejection> {
        read::check_slot(&self.header, ID.slot()).expect("sound rows")
    }
}

fn piece(number: u32, last: bool, rows: &[(&'static [u8], &'static [u8])]) -> InstallRows {
    let rows = rows.iter().map(|(key, value)| CopiedRow {
        key: Bytes::from_static(key),
        value: Bytes::from_static(value),
        append: false,
    });
    InstallRows {
        moving: MoveId(5),
        copy: 77,
        source_index: 9,
        piece: number,
        last,
        rows: rows.collect(),
    }
}

const ACCEPT: SlotStep = SlotStep::Accept { from: HERE };
const FREEZE: SlotStep = SlotStep::Freeze { to: THERE };
const RELEASE: SlotStep = SlotStep::Release { epoch: 3, to: THERE };
const DONE: Result<Reply, Rejection> = Ok(Reply::Done);
const REFUSED: Result<Reply, Rejection> = Err(Rejection::SlotStep);

#[test]
fn a_source_goes_on_until_it_is_frozen_and_answers_until_it_releases() {
    let mut source = Group::new(Fixture::new().rows);
    assert_eq!((source.change(), source.answers()), (DONE, Ok(())));
    assert_eq!(source.step(5, RELEASE), REFUSED, "not frozen");
    assert_eq!(source.step(5, FREEZE), DONE);
    assert_eq!(
        (source.change(), source.answers()),
        (Err(Rejection::SlotMoving), Ok(()))
    );
    assert_eq!(source.step(5, FREEZE), DONE, "again");
    assert_eq!(source.step(5, RELEASE), DONE);
    let gone = Err(Rejection::WrongGroup);
    assert_eq!(
        (source.change(), source.answers()),
        (Err(Rejection::WrongGroup), gone)
    );
    assert_eq!(source.step(5, SlotStep::Thaw), REFUSED, "it is decided");
    assert_eq!(source.step(5, RELEASE), DONE, "again");
}

#[test]
fn a_target_answers_only_when_it_owns() {
    let mut target = Group::new(MemoryRows::new());
    assert_eq!(target.step(5, SlotStep::Own), REFUSED, "nothing has come");
    assert_eq!(target.step(5, ACCEPT), DONE);
    assert_eq!(target.change(), Err(Rejection::SlotMoving));
    assert_eq!(target.answers(), Err(Rejection::SlotMoving));
    assert_eq!(target.step(5, SlotStep::Own), DONE);
    assert_eq!(target.step(5, SlotStep::Own), DONE, "again");
    assert_eq!(target.answers(), Ok(()));
    assert_eq!(target.change(), Err(Rejection::NoSuchAccount));
    assert_eq!(target.step(5, ACCEPT), REFUSED, "it has ended");
    assert_eq!(target.step(5, SlotStep::Refuse), REFUSED);
}

#[test]
fn what_an_earlier_move_left_under_way_comes_too_late() {
    let mut source = Group::new(Fixture::new().rows);
    assert_eq!(source.step(5, SlotStep::Thaw), DONE, "given up before it froze");
    assert_eq!(source.step(5, FREEZE), REFUSED);
    assert_eq!(source.step(6, FREEZE), DONE);
    assert_eq!(source.step(5, SlotStep::Thaw), REFUSED, "of another move");
    assert_eq!(source.step(5, RELEASE), REFUSED);
    assert_eq!(source.step(6, SlotStep::Thaw), DONE);
    assert_eq!(source.change(), DONE);
    let mut target = Group::new(MemoryRows::new());
    assert_eq!(target.step(5, SlotStep::Refuse), DONE);
    assert_eq!(target.step(5, ACCEPT), REFUSED);
    assert_eq!(target.step(6, ACCEPT), DONE);
    assert_eq!(target.step(5, SlotStep::Own), REFUSED);
    assert_eq!(target.step(5, SlotStep::Refuse), REFUSED);
}

#[test]
fn a_step_is_taken_for_all_slots_or_for_none() {
    let mut group = Group::new(MemoryRows::new());
    let other = Slot((ID.slot().0 + 1) % crate::ids::SLOT_COUNT);
    assert_eq!(group.step(6, FREEZE), DONE);
    let command = SlotCommand {
        moving: MoveId(5),
        slots: [ID.slot(), other].into_iter().collect(),
        step: FREEZE,
    };
    let applied = group.apply(Subject::Header, Command::Slots(command));
    assert_eq!(applied.reply, REFUSED);
    assert_eq!(read::slot_states(&group.header).expect("sound rows").len(), 1);
}

#[test]
fn a_release_tells_who_watches() {
    let mut group = Group::new(MemoryRows::new());
    assert_eq!(group.step(6, FREEZE), DONE);
    let release = SlotCommand {
        moving: MoveId(6),
        slots: [ID.slot()].into_iter().collect(),
        step: RELEASE,
    };
    let first = group.apply(Subject::Header, Command::Slots(release.clone()));
    assert_eq!(first.events, [Event::SlotReleased { slot: ID.slot() }]);
    let again = group.apply(Subject::Header, Command::Slots(release));
    assert_eq!((again.reply, again.events), (DONE, vec![]));
}

#[test]
fn pieces_of_a_copy_are_taken_in_order_and_once() {
    let mut target = Group::new(MemoryRows::new());
    let first = || RowsCommand::Install(piece(0, false, &[(b"\x03a", b"1"), (b"\x03b", b"2")]));
    let second = || RowsCommand::Install(piece(1, true, &[(b"\x03c", b"3")]));
    assert_eq!(target.rows_command(first()), REFUSED, "not accepted");
    assert_eq!(target.step(5, ACCEPT), DONE);
    assert_eq!(target.rows_command(second()), REFUSED, "not the first");
    assert_eq!(target.rows_command(first()), DONE);
    assert_eq!(target.rows_command(first()), DONE, "again");
    assert_eq!(target.rows_command(second()), DONE);
    assert_eq!(target.rows_command(second()), DONE, "again");
    let arrival = read::arrival(&target.rows).expect("sound rows").expect("it came");
    assert_eq!((arrival.source_index, arrival.complete), (9, true));
    assert_eq!(target.rows.len(), 4);
    let other = InstallRows {
        copy: 78,
        ..piece(0, true, &[(b"\x03d", b"4")])
    };
    assert_eq!(target.rows_command(RowsCommand::Install(other)), DONE);
    assert_eq!(target.rows.len(), 2, "what another copy brought is replaced");
    assert_eq!(
        target.rows_command(second()),
        REFUSED,
        "of a copy that was replaced"
    );
    let empty = InstallRows {
        copy: 79,
        ..piece(0, true, &[])
    };
    assert_eq!(target.rows_command(RowsCommand::Install(empty)), DONE);
    assert!(
        target.rows.is_empty(),
        "nothing is left of what the source has no more"
    );
}

#[test]
fn rows_that_no_subject_has_are_refused() {
    for wrong in [b"".as_slice(), b"\x0d", b"\xff"] {
        let mut target = Group::new(MemoryRows::new());
        assert_eq!(target.step(5, ACCEPT), DONE);
        let install = RowsCommand::Install(piece(0, true, &[(wrong, b"1")]));
        assert_eq!(target.rows_command(install), REFUSED, "{wrong:?}");
        assert!(target.rows.is_empty());
    }
    let mut target = Group::new(MemoryRows::new());
    assert_eq!(target.step(5, ACCEPT), DONE);
    let install = RowsCommand::Install(piece(0, true, &[(b"\x01", b"not counters")]));
    assert_eq!(target.rows_command(install), REFUSED);
}

#[test]
fn garbage_is_removed_in_bounded_steps() {
    let mut rows = MemoryRows::new();
    for number in 0..REMOVED_ROWS_MAX + 1 {
        let key = [&[6][..], &number.to_be_bytes()].concat();
        crate::rows::Rows::put(&mut rows, key, Bytes::new());
    }
    let mut source = Group::new(rows);
    assert_eq!(source.rows_command(RowsCommand::Remove), REFUSED, "it is owned");
    assert_eq!(source.step(5, FREEZE), DONE);
    assert_eq!(
        source.rows_command(RowsCommand::Remove),
        REFUSED,
        "it may be thawed"
    );
    assert_eq!(source.step(5, RELEASE), DONE);
    let removed = |more| Ok(Reply::RowsRemoved { more });
    assert_eq!(source.rows_command(RowsCommand::Remove), removed(true));
    assert_eq!(source.rows.len(), 1);
    assert_eq!(source.rows_command(RowsCommand::Remove), removed(false));
    assert!(source.rows.is_empty());
}

#[test]
fn commands_that_move_slots_belong_to_their_subjects() {
    let mut group = Group::new(Fixture::new().rows);
    let command = SlotCommand {
        moving: MoveId(5),
        slots: SlotSet::default(),
        step: FREEZE,
    };
    let applied = group.apply(Subject::Account(ID), Command::Slots(command));
    assert_eq!(applied.reply, REFUSED);
    let applied = group.apply(Subject::Header, Command::Rows(RowsCommand::Remove));
    assert_eq!(applied.reply, REFUSED);
}

//! Failures while running: which calls fail, what they leave, and how long a loss lasts.

use kv::{
    Batch, Direction, Effect, Engine, Fault, FaultScript, FaultyEngine, KeyRange, KvError, LossCause,
    MemoryEngine, Operation, ShelfCount, ShelfState, TableId,
};

fn engine() -> (FaultyEngine<MemoryEngine>, FaultScript) {
    let script = FaultScript::new();
    let shelves = ShelfCount::new(2).expect("an allowed count");
    (
        FaultyEngine::new(MemoryEngine::new(shelves), script.clone()),
        script,
    )
}

fn fault(operation: Operation, effect: Effect) -> Fault {
    Fault {
        skip: 0,
        operation: Some(operation),
        shelf: None,
        effect,
    }
}

fn batch() -> Batch {
    let mut batch = Batch::new();
    batch.put("a", "1");
    batch
}

#[test]
fn a_failed_call_is_an_error_once_and_changes_nothing() {
    let (engine, script) = engine();
    let table = engine.table(TableId::new(1));
    script.push(fault(Operation::ApplyBatch, Effect::Fail));
    let error = table.apply_batch(&batch()).expect_err("the script says so");
    assert!(error.is_retryable());
    assert_eq!(table.get(b"a").expect("get"), None);
    table.apply_batch(&batch()).expect("the fault is over");
    assert_eq!(script.remaining(), 0);
}

#[test]
fn a_panic_becomes_the_loss_of_that_shelf_alone() {
    let (engine, script) = engine();
    let (hit, other) = (engine.table(TableId::new(1)), engine.table(TableId::new(2)));
    script.push(fault(Operation::Get, Effect::Panic));
    let error = hit.get(b"a").expect_err("the script says so");
    assert_eq!(error.lost_shelf(), Some(hit.shelf()));
    let cause = LossCause::Panicked("injected".to_owned());
    assert_eq!(
        engine.report(hit.shelf()).expect("a report").state,
        ShelfState::Lost(cause)
    );
    for _ in 0..2 {
        assert!(matches!(
            hit.apply_batch(&batch()),
            Err(KvError::ShelfLost { .. })
        ));
    }
    other.apply_batch(&batch()).expect("another shelf");
    engine.wipe_shelf(hit.shelf()).expect("wipe");
    hit.apply_batch(&batch()).expect("a fresh shelf");
}

#[test]
fn a_loss_may_come_before_or_after_the_effect() {
    for effect in [Effect::LoseBefore, Effect::LoseAfter] {
        let (engine, script) = engine();
        let table = engine.table(TableId::new(1));
        script.push(fault(Operation::ApplyBatch, effect));
        assert!(table.apply_batch(&batch()).is_err());
        assert!(table.get(b"a").is_err(), "a lost shelf shows neither outcome");
    }
}

#[test]
fn a_range_may_fail_between_two_rows() {
    let (engine, script) = engine();
    let table = engine.table(TableId::new(1));
    let mut batch = Batch::new();
    ["a", "b", "c"].into_iter().for_each(|key| batch.put(key, ""));
    table.apply_batch(&batch).expect("applied");
    script.push(Fault {
        skip: 2,
        ..fault(Operation::Range, Effect::LoseBefore)
    });
    let rows = table
        .range(&KeyRange::all(), Direction::Forward)
        .expect("the range opens");
    let outcomes: Vec<bool> = rows.map(|row| row.is_ok()).collect();
    assert_eq!(outcomes, [true, false]);
}

#[test]
fn faults_choose_their_shelf_and_wait_their_turn() {
    let (engine, script) = engine();
    let (first, second) = (engine.table(TableId::new(0)), engine.table(TableId::new(1)));
    let target = Some(second.shelf());
    script.push(Fault {
        skip: 1,
        shelf: target,
        ..fault(Operation::Checkpoint, Effect::Fail)
    });
    for _ in 0..3 {
        first.checkpoint().expect("another shelf");
    }
    second.checkpoint().expect("skipped");
    assert!(second.checkpoint().is_err());
    second.checkpoint().expect("over");
}

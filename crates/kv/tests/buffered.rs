//! What a buffer before an engine keeps, loses and says.

use std::sync::Arc;
use std::time::Duration;

use kv::{
    Batch, BufferOptions, BufferedEngine, Direction, Effect, Engine, Fault, FaultScript, FaultyEngine,
    KeyRange, KvError, MemoryEngine, Operation, ShelfCount, TableId,
};

const TABLE: TableId = TableId::new(1);

fn memory() -> MemoryEngine {
    MemoryEngine::new(ShelfCount::new(2).expect("two shelves are allowed"))
}

/// Returns a buffer that writes out nothing by itself, and the engine below it.
fn buffered(engine: impl Engine) -> (BufferedEngine, Arc<dyn Engine>) {
    let below: Arc<dyn Engine> = Arc::new(engine);
    let options = BufferOptions {
        interval: Duration::from_secs(3600),
        ..BufferOptions::default()
    };
    let above = BufferedEngine::new(Arc::clone(&below), options).expect("a thread");
    (above, below)
}

fn put(engine: &dyn Engine, key: &str) -> Result<(), KvError> {
    let mut batch = Batch::new();
    batch.put(key.to_owned(), "value");
    engine.table(TABLE).apply_batch(&batch)
}

fn keys(engine: &dyn Engine) -> Vec<String> {
    let table = engine.table(TABLE);
    let rows = table
        .range(&KeyRange::all(), Direction::Forward)
        .expect("a range");
    rows.map(|row| String::from_utf8_lossy(&row.expect("a row").key).into_owned())
        .collect()
}

#[test]
fn what_is_gathered_is_seen_at_once_and_lost_with_the_process() {
    let (above, below) = buffered(memory());
    put(&above, "kept").expect("applied");
    above.table(TABLE).checkpoint().expect("written out");
    put(&above, "lost").expect("applied");
    assert_eq!(keys(&above), ["kept", "lost"]);
    drop(above);
    assert_eq!(keys(&*below), ["kept"]);
}

#[test]
fn an_end_in_order_writes_everything_out() {
    let (above, below) = buffered(memory());
    put(&above, "a").expect("applied");
    above.close().expect("closed");
    assert_eq!(keys(&*below), ["a"]);
    assert!(matches!(put(&above, "b"), Err(KvError::Closed)));
}

#[test]
fn a_view_lasts_while_later_batches_are_gathered() {
    let (above, _below) = buffered(memory());
    put(&above, "a").expect("applied");
    let table = above.table(TABLE);
    let view = table.view().expect("a view");
    put(&above, "b").expect("applied while the view is open");
    assert_eq!(view.get(b"b").expect("read"), None);
    assert_eq!(keys(&above), ["a", "b"]);
}

#[test]
fn a_shelf_that_is_lost_is_told_and_begins_again_empty() {
    let script = FaultScript::new();
    let (above, below) = buffered(FaultyEngine::new(memory(), script.clone()));
    put(&above, "a").expect("applied");
    script.push(Fault {
        skip: 0,
        operation: Some(Operation::ApplyBatch),
        shelf: None,
        effect: Effect::LoseBefore,
    });
    let table = above.table(TABLE);
    let lost = table.checkpoint().expect_err("the engine below failed");
    assert_eq!(lost.lost_shelf(), Some(table.shelf()));
    assert!(
        put(&above, "b").is_err(),
        "nothing is gathered for a shelf that is lost"
    );
    above.wipe_shelf(table.shelf()).expect("wiped");
    assert_eq!(keys(&above), [""; 0]);
    put(&above, "c").expect("applied");
    table.checkpoint().expect("written out");
    assert_eq!(keys(&*below), ["c"]);
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let script = FaultScript::new();
    let (above, below) = buffered(FaultyEngine::new(memory(), script.clone()));
    put(&above, "a").expect("applied");
    script.push(Fault {
        skip: 0,
        operation: Some(Operation::ApplyBatch),
        shelf: None,
        effect: Effect::Fail,
    });
    let table = above.table(TABLE);
    assert!(
        table
            .checkpoint()
            .expect_err("the engine below failed")
            .is_retryable()
    );
    put(&above, "b").expect("applied");
    assert_eq!(keys(&above), ["a", "b"]);
    table.checkpoint().expect("written out");
    assert_eq!(keys(&*below), ["a", "b"]);
}

//! Single rows, batches, tables beside each other, wiping.

use bytes::Bytes;
use kv::{Batch, Direction, KEY_BYTES_MAX, KeyRange, KvError, RebuildReason, ShelfState, VALUE_BYTES_MAX};

use super::{Fixture, keys, put};

pub fn run(make: impl Fn() -> Fixture) {
    a_row_is_read_back_and_removed(&make());
    a_batch_applies_in_order(&make());
    tables_do_not_see_each_other(&make());
    wiping_a_table_spares_its_neighbours(&make());
    wiping_a_shelf_spares_the_others(&make());
    large_values_come_back_whole(&make());
    refused_batches_change_nothing(&make());
}

fn a_row_is_read_back_and_removed(fixture: &Fixture) {
    let table = fixture.table(1);
    assert_eq!(table.get(b"a").expect("get"), None);
    put(&*table, &[("a", "1"), ("", "empty key"), ("z", "")]);
    assert_eq!(table.get(b"a").expect("get"), Some(Bytes::from("1")));
    assert_eq!(table.get(b"").expect("get"), Some(Bytes::from("empty key")));
    assert_eq!(table.get(b"z").expect("get"), Some(Bytes::new()));
    let mut batch = Batch::new();
    batch.delete("a");
    batch.delete("never there");
    table.apply_batch(&batch).expect("deletes");
    assert_eq!(table.get(b"a").expect("get"), None);
    table.checkpoint().expect("checkpoint");
    assert_eq!(keys(&*table, &KeyRange::all(), Direction::Forward), ["", "z"]);
}

fn a_batch_applies_in_order(fixture: &Fixture) {
    let table = fixture.table(1);
    put(&*table, &[("p1", "old"), ("p2", "old"), ("q", "old")]);
    let mut batch = Batch::new();
    batch.put("p3", "gone before it was there");
    batch.delete_prefix("p");
    batch.put("p2", "new");
    batch.put("q", "first");
    batch.put("q", "second");
    table.apply_batch(&batch).expect("the batch is applied");
    assert_eq!(keys(&*table, &KeyRange::all(), Direction::Forward), ["p2", "q"]);
    assert_eq!(table.get(b"p2").expect("get"), Some(Bytes::from("new")));
    assert_eq!(table.get(b"q").expect("get"), Some(Bytes::from("second")));
}

fn tables_do_not_see_each_other(fixture: &Fixture) {
    // 1 and 4 share a shelf of three, and so do the neighbours 255, 258 and 256 next to another.
    for number in [1, 4, 255, 256, 258, u64::MAX] {
        put(&*fixture.table(number), &[("name", &number.to_string())]);
    }
    for number in [1, 4, 255, 256, 258, u64::MAX] {
        let table = fixture.table(number);
        assert_eq!(
            table.get(b"name").expect("get"),
            Some(Bytes::from(number.to_string()))
        );
        assert_eq!(
            keys(&*table, &KeyRange::all(), Direction::Forward),
            ["name"],
            "table {number}"
        );
        assert_eq!(
            keys(&*table, &KeyRange::all(), Direction::Reverse),
            ["name"],
            "table {number}"
        );
    }
}

fn wiping_a_table_spares_its_neighbours(fixture: &Fixture) {
    let wiped = fixture.table(1);
    let kept = fixture.other_table(|table| table.shelf() == wiped.shelf());
    let mut batch = Batch::new();
    (0..10_000).for_each(|at| batch.put(format!("{at:05}"), "x"));
    wiped.apply_batch(&batch).expect("the batch is applied");
    put(&*kept, &[("a", "1")]);
    wiped.wipe().expect("wipe");
    assert!(keys(&*wiped, &KeyRange::all(), Direction::Forward).is_empty());
    assert_eq!(keys(&*kept, &KeyRange::all(), Direction::Forward), ["a"]);
}

fn wiping_a_shelf_spares_the_others(fixture: &Fixture) {
    let wiped = fixture.table(1);
    let beside = fixture.other_table(|table| table.shelf() == wiped.shelf());
    let kept = fixture.other_table(|table| table.shelf() != wiped.shelf());
    for table in [&wiped, &beside, &kept] {
        put(&**table, &[("a", "1")]);
    }
    fixture.engine.wipe_shelf(wiped.shelf()).expect("wipe");
    for table in [&wiped, &beside] {
        assert!(keys(&**table, &KeyRange::all(), Direction::Forward).is_empty());
    }
    assert_eq!(keys(&*kept, &KeyRange::all(), Direction::Forward), ["a"]);
    put(&*wiped, &[("b", "2")]);
    assert_eq!(keys(&*wiped, &KeyRange::all(), Direction::Forward), ["b"]);
    let report = fixture.engine.report(wiped.shelf()).expect("report");
    assert_eq!(report.state, ShelfState::Rebuild(RebuildReason::Wiped));
}

fn large_values_come_back_whole(fixture: &Fixture) {
    let table = fixture.table(1);
    for bytes in [100_000, 1 << 20, 4 << 20] {
        let value: Bytes = (0..bytes)
            .map(|at: u32| at.to_le_bytes()[1])
            .collect::<Vec<_>>()
            .into();
        let mut batch = Batch::new();
        batch.put("large", value.clone());
        batch.put(vec![7; KEY_BYTES_MAX], "long key");
        table.apply_batch(&batch).expect("the batch is applied");
        assert!(table.get(b"large").expect("get") == Some(value), "{bytes} bytes");
    }
}

fn refused_batches_change_nothing(fixture: &Fixture) {
    let table = fixture.table(1);
    for (key, value_bytes) in [(vec![0; KEY_BYTES_MAX + 1], 0), (vec![0], VALUE_BYTES_MAX + 1)] {
        let mut batch = Batch::new();
        batch.put("a", "1");
        batch.put(key, vec![0; value_bytes]);
        let refused = table.apply_batch(&batch);
        assert!(matches!(
            refused,
            Err(KvError::KeyTooLong { .. } | KvError::ValueTooLong { .. })
        ));
    }
    assert_eq!(table.get(b"a").expect("get"), None);
}

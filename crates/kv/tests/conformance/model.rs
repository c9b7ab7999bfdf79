//! Random batches on several tables against one `BTreeMap` each.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use kv::{Batch, Direction, KeyRange, Table};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Fixture;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Clone)]
enum Change {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    DeletePrefix(Vec<u8>),
}

#[derive(Debug, Clone)]
enum Step {
    Apply(u64, Vec<Change>),
    Read(u64, Bound<Vec<u8>>, Bound<Vec<u8>>, bool),
    Wipe(u64),
    WipeShelf(u64),
}

pub fn run(make: impl Fn() -> Fixture) {
    // One engine for all cases, because sled takes long to open: each case begins by wiping it.
    let fixture = make();
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&proptest::collection::vec(step(), 1..25), |steps| {
        let mut models = BTreeMap::<u64, Model>::new();
        (0..4).for_each(|table| fixture.table(table).wipe().expect("wipe"));
        for step in &steps {
            take(&fixture, &mut models, step)?;
        }
        (0..4).try_for_each(|table| {
            let model = models.entry(table).or_default();
            compare(
                &*fixture.table(table),
                model,
                &KeyRange::all(),
                Direction::Forward,
            )
        })
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// Few letters and short keys, so that prefixes and neighbours meet often; 255 is where carries happen.
fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 0..4)
}

fn change() -> impl Strategy<Value = Change> {
    let value = proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        6 => (key(), value).prop_map(|(key, value)| Change::Put(key, value)),
        2 => key().prop_map(Change::Delete),
        1 => key().prop_map(Change::DeletePrefix),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let changes = proptest::collection::vec(change(), 0..12);
    prop_oneof![
        8 => (0..4_u64, changes).prop_map(|(table, changes)| Step::Apply(table, changes)),
        8 => (0..4_u64, bound(), bound(), any::<bool>())
            .prop_map(|(table, from, to, reverse)| Step::Read(table, from, to, reverse)),
        1 => (0..4_u64).prop_map(Step::Wipe),
        // Rare, because sled opens new files each time.
        1 => prop_oneof![9 => Just(None), 1 => (0..4_u64).prop_map(Some)]
            .prop_map(|table| table.map_or(Step::Apply(0, Vec::new()), Step::WipeShelf)),
    ]
}

fn take(fixture: &Fixture, models: &mut BTreeMap<u64, Model>, step: &Step) -> Result<(), TestCaseError> {
    match step {
        Step::Apply(table, changes) => {
            let model = models.entry(*table).or_default();
            let mut batch = Batch::new();
            changes
                .iter()
                .for_each(|change| record(change, &mut batch, model));
            fixture
                .table(*table)
                .apply_batch(&batch)
                .expect("the batch is applied");
        }
        Step::Read(table, from, to, reverse) => {
            let slice = |bound: &Bound<Vec<u8>>| bound.clone();
            let (from, to) = (slice(from), slice(to));
            let range = KeyRange::between(from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
            let direction = if *reverse {
                Direction::Reverse
            } else {
                Direction::Forward
            };
            compare(
                &*fixture.table(*table),
                models.entry(*table).or_default(),
                &range,
                direction,
            )?;
        }
        Step::Wipe(table) => {
            fixture.table(*table).wipe().expect("wipe");
            models.remove(table);
        }
        Step::WipeShelf(table) => {
            let shelf = fixture.table(*table).shelf();
            fixture.engine.wipe_shelf(shelf).expect("wipe");
            models.retain(|table, _| fixture.table(*table).shelf() != shelf);
        }
    }
    Ok(())
}

fn record(change: &Change, batch: &mut Batch, model: &mut Model) {
    match change {
        Change::Put(key, value) => {
            batch.put(key.clone(), value.clone());
            model.insert(key.clone(), value.clone());
        }
        Change::Delete(key) => {
            batch.delete(key.clone());
            model.remove(key);
        }
        Change::DeletePrefix(prefix) => {
            batch.delete_prefix(prefix.clone());
            model.retain(|key, _| !key.starts_with(prefix));
        }
    }
}

fn compare(
    table: &dyn Table,
    model: &Model,
    range: &KeyRange,
    direction: Direction,
) -> Result<(), TestCaseError> {
    let inside = |key: &[u8]| {
        let above = match range.from() {
            Bound::Included(from) => key >= from,
            Bound::Excluded(from) => key > from,
            Bound::Unbounded => true,
        };
        let below = match range.to() {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        };
        above && below
    };
    let rows = model.iter().filter(|(key, _)| inside(key));
    let mut expected: Vec<_> = rows
        .map(|(key, value)| (Bytes::from(key.clone()), Bytes::from(value.clone())))
        .collect();
    if direction == Direction::Reverse {
        expected.reverse();
    }
    let read = table.range(range, direction).expect("the range opens");
    let read: Vec<_> = read
        .map(|row| row.expect("readable"))
        .map(|row| (row.key, row.value))
        .collect();
    prop_assert_eq!(read, expected);
    Ok(())
}

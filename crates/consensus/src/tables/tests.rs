use std::collections::BTreeMap;
use std::ops::Bound;

use kv::{Engine, MemoryEngine, ShelfCount, TableId};
use proptest::prelude::*;

use super::*;

fn tables() -> GroupTables {
    let engine = MemoryEngine::new(ShelfCount::new(1).expect("one shelf"));
    GroupTables::new(engine.table(TableId::new(1)))
}

fn subject(name: &'static str) -> Subject {
    Subject::new(name).expect("a short name")
}

fn put(tables: &GroupTables, subject: &Subject, rows: &[(&str, &str)], index: u64) {
    let mut batch = Batch::new();
    for (key, value) in rows {
        put_row(
            &mut batch,
            subject,
            key.as_bytes(),
            Bytes::from((*value).to_owned()),
        );
    }
    put_subject_index(&mut batch, subject, index);
    tables.commit(&batch).expect("committed");
}

fn scan(rows: &SubjectRows<'_>) -> Vec<(Vec<u8>, Bytes)> {
    let mut found = Vec::new();
    rows.scan(Bound::Unbounded, Bound::Unbounded, &mut |key, value| {
        found.push((key.to_vec(), value.clone()));
        true
    })
    .expect("scanned");
    found
}

#[test]
fn what_is_applied_comes_back_and_is_forgotten_first() {
    let tables = tables();
    assert_eq!(tables.applied().expect("read"), AppliedState::default());
    let state = AppliedState {
        last: Some(crate::types::log_id(2, 9)),
        ..AppliedState::default()
    };
    let mut batch = Batch::new();
    put_applied(&mut batch, &state);
    tables.commit(&batch).expect("committed");
    assert_eq!(tables.applied().expect("read"), state);
    tables.reset().expect("reset");
    assert_eq!(tables.applied().expect("read"), AppliedState::default());
}

#[test]
fn subjects_are_listed_without_the_header_and_do_not_mix() {
    let tables = tables();
    put(&tables, &Subject::header(), &[("h", "0")], 1);
    put(&tables, &subject("a"), &[("b1", "x")], 2);
    put(&tables, &subject("ab"), &[("1", "y")], 3);
    assert_eq!(
        tables.subjects().expect("listed"),
        [(subject("a"), 2), (subject("ab"), 3)]
    );
    let (_, index, rows) = tables.capture_header().expect("captured");
    assert_eq!((index, rows.len()), (Some(1), 1));
    let nothing = Batch::new();
    let rows = SubjectRows::writing(tables.table(), &nothing, &subject("a"));
    assert_eq!(scan(&rows), [(b"b1".to_vec(), Bytes::from("x"))]);
}

#[test]
fn subjects_are_listed_between_two() {
    let tables = tables();
    for name in ["a1", "a2", "a22", "a3", "b1", "a"] {
        put(&tables, &subject(name), &[("k", "v")], 1);
    }
    let find = |first, last, count_max| {
        tables
            .subjects_between(&subject(first), &subject(last), count_max)
            .expect("listed")
    };
    assert_eq!(find("a0", "a9", 9), ["a1", "a2", "a3"].map(subject));
    assert_eq!(find("a0", "a9", 2), ["a1", "a2"].map(subject));
    assert_eq!(find("a2", "b1", 9), ["a2", "a3", "b1"].map(subject));
    assert_eq!(find("a4", "a9", 9), []);
    assert_eq!(find("b1", "a1", 9), []);
}

#[test]
fn an_entry_sees_the_writes_of_the_entries_before_it() {
    let tables = tables();
    let account = subject("a");
    put(&tables, &account, &[("1", "old"), ("2", "old"), ("3", "old")], 1);
    let mut pending = Batch::new();
    put_row(&mut pending, &account, b"2", Bytes::from("pending"));
    let mut rows = SubjectRows::writing(tables.table(), &pending, &account);
    rows.delete(b"1");
    rows.put(b"4", Bytes::from("own"));
    assert_eq!(rows.get(b"1").expect("get"), None);
    assert_eq!(rows.get(b"2").expect("get"), Some(Bytes::from("pending")));
    let values: Vec<_> = scan(&rows).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["pending", "old", "own"]);
    rows.delete_all();
    rows.put(b"5", Bytes::from("after"));
    let values: Vec<_> = scan(&rows).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["after"]);
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Clear,
    Advance,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..20_u8, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        2 => (0..20_u8).prop_map(Step::Delete),
        1 => Just(Step::Clear),
        3 => Just(Step::Advance),
    ]
}

proptest! {
    /// However batches and reads interleave, a capture gives the rows of the moment when it began.
    #[test]
    fn a_capture_does_not_move(
        before in proptest::collection::btree_map(0..20_u8, any::<u8>(), 0..15),
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let tables = tables();
        let account = subject("a");
        let mut batch = Batch::new();
        put_subject_index(&mut batch, &account, 1);
        for (key, value) in &before {
            put_row(&mut batch, &account, &[*key], Bytes::from(vec![*value; 4]));
        }
        tables.commit(&batch).expect("committed");
        tables.begin_capture(&account).expect("began");
        let mut captured = BTreeMap::new();
        let mut ended = false;
        for step in steps.iter().chain(std::iter::repeat_n(&Step::Advance, 30)) {
            let mut batch = Batch::new();
            match step {
                Step::Put(key, value) => put_row(&mut batch, &account, &[*key], Bytes::from(vec![*value; 4])),
                Step::Delete(key) => batch.delete([&keys::rows(&account)[..], &[*key]].concat()),
                Step::Clear => batch.delete_prefix(keys::rows(&account)),
                Step::Advance if ended => {}
                Step::Advance => {
                    let piece = tables.captured_rows(10).expect("advanced").expect("running");
                    ended = piece.is_last;
                    captured.extend(piece.rows.into_iter().map(|row| (row.key.to_vec(), row.value.to_vec())));
                }
            }
            tables.commit(&batch).expect("committed");
        }
        prop_assert!(ended);
        let expected = before.into_iter().map(|(key, value)| (vec![key], vec![value; 4])).collect();
        prop_assert_eq!(captured, expected);
    }
}

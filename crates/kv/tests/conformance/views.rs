//! A view shows whole batches and does not move.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use kv::{Batch, Direction, KeyRange, Table};

use super::{Fixture, put, view_keys};

pub fn run(make: impl Fn() -> Fixture) {
    a_view_reads_what_is_there(&make());
    a_view_never_moves_nor_shows_half_a_batch(&make());
}

fn a_view_reads_what_is_there(fixture: &Fixture) {
    let table = fixture.table(1);
    put(&*table, &[("a", "1"), ("b", "2")]);
    let view = table.view().expect("view");
    assert_eq!(view.get(b"a").expect("get").as_deref(), Some(&b"1"[..]));
    assert_eq!(view.get(b"c").expect("get"), None);
    assert_eq!(view_keys(&*view), ["a", "b"]);
    let last = view
        .range(&KeyRange::prefix(b"b"), Direction::Reverse)
        .expect("range")
        .count();
    assert_eq!(last, 1);
}

fn a_view_never_moves_nor_shows_half_a_batch(fixture: &Fixture) {
    let table = fixture.table(1);
    write_round(&*table, 0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Bounded as well, so that a failing reader does not leave the writer running.
            for round in 1..20_000_u32 {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                write_round(&*fixture.table(1), round);
            }
        });
        let outcome = (0..200).try_for_each(|_| check_view(&*table));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(outcome, Ok(()));
    });
}

/// Sets every row to the number of the round, in one batch.
fn write_round(table: &dyn Table, round: u32) {
    let mut batch = Batch::new();
    (0..20).for_each(|row| batch.put(format!("row {row:02}"), round.to_be_bytes().to_vec()));
    table.apply_batch(&batch).expect("the batch is applied");
}

fn check_view(table: &dyn Table) -> Result<(), String> {
    let view = table.view().expect("view");
    let first = view.get(b"row 00").expect("get").expect("the row is there");
    for _ in 0..2 {
        let rows = view.range(&KeyRange::all(), Direction::Forward).expect("range");
        let values: Vec<_> = rows.map(|row| row.expect("readable").value).collect();
        if values.len() != 20 || values.iter().any(|value| *value != first) {
            return Err(format!("a view of round {first:?} shows {values:?}"));
        }
    }
    Ok(())
}

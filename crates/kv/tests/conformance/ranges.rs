//! Order, bounds, prefixes, and ranges too large to hold at once.

use std::ops::Bound;

use kv::{Batch, Direction, KeyRange};

use super::{Fixture, keys, put};

pub fn run(make: impl Fn() -> Fixture) {
    bounds_are_honoured_in_both_directions(&make());
    prefixes_stop_at_their_end(&make());
    crossed_bounds_are_empty(&make());
    big_ranges_are_read_in_order(&make());
}

fn between(from: Bound<&str>, to: Bound<&str>) -> KeyRange {
    KeyRange::between(from.map(str::as_bytes), to.map(str::as_bytes))
}

fn bounds_are_honoured_in_both_directions(fixture: &Fixture) {
    use Bound::{Excluded, Included, Unbounded};
    let table = fixture.table(1);
    put(&*table, &[("a", ""), ("b", ""), ("ba", ""), ("c", ""), ("d", "")]);
    let cases: [(KeyRange, &[&str]); 6] = [
        (KeyRange::all(), &["a", "b", "ba", "c", "d"]),
        (between(Included("b"), Excluded("c")), &["b", "ba"]),
        (between(Excluded("b"), Included("c")), &["ba", "c"]),
        (between(Unbounded, Excluded("b")), &["a"]),
        (between(Included("bb"), Unbounded), &["c", "d"]),
        (between(Included("e"), Unbounded), &[]),
    ];
    for (range, expected) in cases {
        assert_eq!(keys(&*table, &range, Direction::Forward), expected, "{range:?}");
        let mut reversed = keys(&*table, &range, Direction::Reverse);
        reversed.reverse();
        assert_eq!(reversed, expected, "{range:?} in reverse");
    }
}

fn prefixes_stop_at_their_end(fixture: &Fixture) {
    let table = fixture.table(1);
    let mut batch = Batch::new();
    let rows: [&[u8]; 5] = [&[1], &[1, 0], &[1, 255], &[1, 255, 255], &[2]];
    rows.iter().for_each(|key| batch.put(key.to_vec(), ""));
    table.apply_batch(&batch).expect("the batch is applied");
    let count = |prefix: &[u8], direction| {
        table
            .range(&KeyRange::prefix(prefix), direction)
            .expect("the range opens")
            .count()
    };
    for direction in [Direction::Forward, Direction::Reverse] {
        assert_eq!(count(&[1], direction), 4);
        assert_eq!(count(&[1, 255], direction), 2);
        assert_eq!(count(&[255], direction), 0);
        assert_eq!(count(&[], direction), 5);
    }
}

fn crossed_bounds_are_empty(fixture: &Fixture) {
    let table = fixture.table(1);
    put(&*table, &[("a", ""), ("b", "")]);
    for range in [
        between(Bound::Included("b"), Bound::Included("a")),
        between(Bound::Excluded("a"), Bound::Excluded("a")),
        between(Bound::Included("a"), Bound::Excluded("a")),
    ] {
        assert!(keys(&*table, &range, Direction::Forward).is_empty(), "{range:?}");
    }
}

fn big_ranges_are_read_in_order(fixture: &Fixture) {
    const ROWS: usize = 20_000;
    let table = fixture.table(1);
    for chunk in 0..10 {
        let mut batch = Batch::new();
        // Interleaved, so that later batches land between the rows of earlier ones.
        (0..ROWS / 10).for_each(|at| batch.put(format!("{:06}", at * 10 + chunk), vec![0; 100]));
        table.apply_batch(&batch).expect("the batch is applied");
    }
    let read = keys(&*table, &KeyRange::all(), Direction::Forward);
    assert!(
        read.iter()
            .eq((0..ROWS).map(|at| format!("{at:06}")).collect::<Vec<_>>().iter())
    );
    let newest: Vec<_> = table
        .range(&KeyRange::all(), Direction::Reverse)
        .expect("opens")
        .take(2)
        .collect();
    assert_eq!(newest.len(), 2);
    assert_eq!(
        newest.into_iter().next().expect("a row").expect("readable").key,
        "019999"
    );
}

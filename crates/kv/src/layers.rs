//! Batches laid over rows: what a reader sees before the batches are applied.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec;

use bytes::Bytes;

use crate::KvError;
use crate::batch::{Batch, Pending};
use crate::range::{Direction, KeyRange, Row, Rows};

/// Batches that have not been applied to a table yet, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    newest_first: &'a [&'a Batch],
}

impl<'a> Layers<'a> {
    /// Returns these batches as layers; the first is the newest.
    pub fn new(newest_first: &'a [&'a Batch]) -> Self {
        Self { newest_first }
    }

    /// Returns what all layers together would do to `key`.
    pub fn lookup(&self, key: &[u8]) -> Pending {
        self.newest_first
            .iter()
            .map(|batch| batch.lookup(key))
            .find(|pending| *pending != Pending::Untouched)
            .unwrap_or(Pending::Untouched)
    }

    /// Returns the rows of `range` as they would be with every layer applied, given those of the table in
    /// the same order.
    pub fn over<'r>(&self, range: &KeyRange, direction: Direction, rows: Rows<'r>) -> Rows<'r> {
        let changes = self.changes(range, direction);
        let cleared: Vec<Bytes> = self
            .newest_first
            .iter()
            .flat_map(|batch| batch.cleared())
            .cloned()
            .collect();
        if changes.is_empty() && cleared.is_empty() {
            return rows;
        }
        Box::new(Merged {
            rows: rows.peekable(),
            changes: changes.into_iter().peekable(),
            cleared,
            direction,
        })
    }

    /// Returns the keys in `range` that the layers set (`Some`) or remove (`None`) one by one.
    fn changes(&self, range: &KeyRange, direction: Direction) -> Vec<Change> {
        let mut changes = BTreeMap::new();
        for (depth, batch) in self.newest_first.iter().enumerate().rev() {
            let newer = Layers::new(self.newest_first.get(..depth).unwrap_or_default());
            for (key, value) in batch.changes(range, Direction::Forward) {
                let value = if newer.clears(key) { None } else { value };
                changes.insert(key.clone(), value.cloned());
            }
        }
        match direction {
            Direction::Forward => changes.into_iter().collect(),
            Direction::Reverse => changes.into_iter().rev().collect(),
        }
    }

    fn clears(&self, key: &[u8]) -> bool {
        self.newest_first.iter().any(|batch| batch.clears(key))
    }
}

type Change = (Bytes, Option<Bytes>);

/// Rows of a table with changes merged in. Both come in the same direction.
struct Merged<'r> {
    rows: Peekable<Rows<'r>>,
    changes: Peekable<vec::IntoIter<Change>>,
    cleared: Vec<Bytes>,
    direction: Direction,
}

impl Merged<'_> {
    /// Returns whether the next row of the table comes before, with or after the next change.
    fn order(&mut self) -> Option<Ordering> {
        match (self.rows.peek(), self.changes.peek()) {
            (None, None) => None,
            // An error goes out at once.
            (Some(_), None) | (Some(Err(_)), _) => Some(Ordering::Less),
            (None, Some(_)) => Some(Ordering::Greater),
            (Some(Ok(row)), Some((key, _))) => Some(match self.direction {
                Direction::Forward => row.key.cmp(key),
                Direction::Reverse => key.cmp(&row.key),
            }),
        }
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<Row, KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = self.order()?;
            if order == Ordering::Less {
                let row = self.rows.next()?;
                let is_cleared = |row: &Row| self.cleared.iter().any(|prefix| row.key.starts_with(prefix));
                if row.as_ref().is_ok_and(is_cleared) {
                    continue;
                }
                return Some(row);
            }
            if order == Ordering::Equal {
                self.rows.next();
            }
            if let (key, Some(value)) = self.changes.next()? {
                return Some(Ok(Row { key, value }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(puts: &[(&str, &str)], deletes: &[&str], clears: &[&str]) -> Batch {
        let mut batch = Batch::new();
        clears
            .iter()
            .for_each(|prefix| batch.delete_prefix(prefix.to_string()));
        puts.iter()
            .for_each(|(key, value)| batch.put(key.to_string(), value.to_string()));
        deletes.iter().for_each(|key| batch.delete(key.to_string()));
        batch
    }

    fn row(key: &str, value: &str) -> Result<Row, KvError> {
        let (key, value) = (Bytes::from(key.to_owned()), Bytes::from(value.to_owned()));
        Ok(Row { key, value })
    }

    fn read(layers: &[&Batch], table: &[(&str, &str)], direction: Direction) -> Vec<String> {
        let mut rows: Vec<_> = table.iter().map(|(key, value)| row(key, value)).collect();
        if direction == Direction::Reverse {
            rows.reverse();
        }
        let rows = Layers::new(layers).over(&KeyRange::all(), direction, Box::new(rows.into_iter()));
        let text = |row: Row| format!("{:?}={:?}", row.key, row.value).replace(['b', '"'], "");
        rows.map(|row| text(row.expect("a row"))).collect()
    }

    #[test]
    fn the_newest_layer_wins_and_the_table_shows_through() {
        let old = batch(&[("k1", "old"), ("k3", "old")], &["k4"], &[]);
        let new = batch(&[("k1", "new"), ("k5", "new")], &["k3"], &[]);
        let table = [("k0", "t"), ("k1", "t"), ("k4", "t"), ("k6", "t")];
        let expected = ["k0=t", "k1=new", "k5=new", "k6=t"];
        assert_eq!(read(&[&new, &old], &table, Direction::Forward), expected);
        let mut backwards = read(&[&new, &old], &table, Direction::Reverse);
        backwards.reverse();
        assert_eq!(backwards, expected);
    }

    #[test]
    fn a_prefix_that_is_cleared_hides_older_layers_and_the_table() {
        let old = batch(&[("p1", "old"), ("q1", "old")], &[], &[]);
        let new = batch(&[("p2", "new")], &[], &["p"]);
        let layers = [&new, &old];
        assert_eq!(
            read(&layers, &[("p0", "t"), ("q2", "t")], Direction::Forward),
            ["p2=new", "q1=old", "q2=t"]
        );
        assert_eq!(Layers::new(&layers).lookup(b"p1"), Pending::Deleted);
        assert_eq!(
            Layers::new(&layers).lookup(b"q1"),
            Pending::Put(Bytes::from("old"))
        );
        assert_eq!(Layers::new(&layers).lookup(b"r"), Pending::Untouched);
    }

    #[test]
    fn an_error_of_the_table_ends_the_reading() {
        let layer = batch(&[("z", "1")], &[], &[]);
        let rows = vec![row("a", "t"), Err(KvError::Closed)];
        let mut merged =
            Layers::new(&[&layer]).over(&KeyRange::all(), Direction::Forward, Box::new(rows.into_iter()));
        assert!(merged.next().is_some_and(|row| row.is_ok()));
        assert!(merged.next().is_some_and(|row| row.is_err()));
    }
}

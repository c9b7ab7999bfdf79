//! A sum over the rows of each table, kept in the batch that changes them.
//!
//! sled finds most damage by its own checksums, but a scribbled file may also open with some of its rows
//! gone. After a clean end a fingerprint of the files tells; after a kill there is none, and then the rows
//! are added up again: an older state of a table is harmless, rows that do not add up are not.
//!
//! ```text
//! 00 table        the sum of the table's rows
//! 01 table key    a row
//! ```

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3;

use crate::engine::TableId;

const SUM: u8 = 0;
const ROW: u8 = 1;
const TABLE_BYTES: usize = 9;

/// The bytes before every key of a table.
pub(super) type Prefix = [u8; TABLE_BYTES];

/// Returns the prefix of a table's rows.
pub(super) fn row_prefix(table: TableId) -> Prefix {
    prefixed(ROW, table.get())
}

/// How many rows a table has and what they add up to, in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hash: u128,
}

impl Sum {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.hash = self.hash.wrapping_add(hash(key, value));
    }

    fn subtract(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.hash = self.hash.wrapping_sub(hash(key, value));
    }

    fn encode(self) -> Vec<u8> {
        [&self.rows.to_be_bytes()[..], &self.hash.to_be_bytes()].concat()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let (rows, hash) = row.split_first_chunk()?;
        Some(Self {
            rows: u64::from_be_bytes(*rows),
            hash: u128::from_be_bytes(hash.try_into().ok()?),
        })
    }
}

/// Applies changes of one table, given by whole keys of which none occurs twice, together with its new sum.
/// The caller lets nobody else change the table meanwhile.
pub(super) fn apply(
    db: &sled::Db,
    prefix: &Prefix,
    changes: Vec<(sled::IVec, Option<sled::IVec>)>,
) -> sled::Result<()> {
    let sum_key = sum_key(prefix);
    let mut sum = match db.get(sum_key)? {
        Some(row) => Sum::decode(&row).ok_or_else(not_a_sum)?,
        None => Sum::default(),
    };
    let mut batch = sled::Batch::default();
    for (key, value) in changes {
        if let Some(old) = db.get(&key)? {
            sum.subtract(&key, &old);
        }
        match value {
            Some(value) => {
                sum.add(&key, &value);
                batch.insert(key, value);
            }
            None => batch.remove(key),
        }
    }
    batch.insert(&sum_key, sum.encode());
    db.apply_batch(batch)
}

/// Reads every row and returns whether each table adds up.
pub(super) fn hold(db: &sled::Db) -> sled::Result<bool> {
    let mut sums = HashMap::<u64, Sum>::new();
    for row in db.iter() {
        let (key, value) = row?;
        let Some((kind, table)) = parse(&key) else {
            return Ok(false);
        };
        let sum = sums.entry(table).or_default();
        match kind {
            // The sums come first, so this is what the rows are to be taken from.
            SUM => match Sum::decode(&value) {
                Some(stored) => *sum = stored,
                None => return Ok(false),
            },
            _ => sum.subtract(&key, &value),
        }
    }
    Ok(sums.values().all(|rest| *rest == Sum::default()))
}

fn hash(key: &[u8], value: &[u8]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&key.len().to_le_bytes());
    hash.update(key);
    hash.update(value);
    hash.digest128()
}

fn prefixed(kind: u8, table: u64) -> Prefix {
    let mut prefix = [kind; TABLE_BYTES];
    let (_, number) = prefix.split_at_mut(1);
    number.copy_from_slice(&table.to_be_bytes());
    prefix
}

fn sum_key(row_prefix: &Prefix) -> Prefix {
    let mut key = *row_prefix;
    let [kind, ..] = &mut key;
    *kind = SUM;
    key
}

fn parse(key: &[u8]) -> Option<(u8, u64)> {
    let (kind, rest) = key.split_first()?;
    let (table, _) = rest.split_first_chunk()?;
    (*kind == SUM || *kind == ROW).then(|| (*kind, u64::from_be_bytes(*table)))
}

fn not_a_sum() -> sled::Error {
    sled::Error::ReportableBug("the sum of a table is damaged".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(table: u64, name: &str) -> sled::IVec {
        [&row_prefix(TableId::new(table))[..], name.as_bytes()]
            .concat()
            .into()
    }

    fn filled() -> sled::Db {
        let db = sled::Config::new()
            .temporary(true)
            .open()
            .expect("a temporary database");
        for table in [1, 2] {
            let change = |name: &str, value: Option<&str>| (key(table, name), value.map(sled::IVec::from));
            let prefix = row_prefix(TableId::new(table));
            apply(&db, &prefix, vec![change("a", Some("1")), change("b", Some("2"))]).expect("applied");
            apply(
                &db,
                &prefix,
                vec![change("a", Some("3")), change("b", None), change("c", None)],
            )
            .expect("applied");
        }
        db
    }

    #[test]
    fn rows_add_up_however_they_came_about() {
        let db = filled();
        assert!(hold(&db).expect("read"));
        apply(&db, &row_prefix(TableId::new(1)), vec![(key(1, "a"), None)]).expect("applied");
        assert!(hold(&db).expect("read"));
    }

    type Damage = fn(&sled::Db) -> sled::Result<Option<sled::IVec>>;

    #[test]
    fn a_row_that_is_gone_changed_or_too_many_is_noticed() {
        let damages: [Damage; 5] = [
            |db| db.remove(key(1, "a")),
            |db| db.insert(key(2, "a"), "4"),
            |db| db.insert(key(2, "z"), ""),
            |db| db.insert(key(3, "z"), ""),
            |db| db.remove(sum_key(&row_prefix(TableId::new(2)))),
        ];
        for (number, damage) in damages.into_iter().enumerate() {
            let db = filled();
            damage(&db).expect("damaged");
            assert!(!hold(&db).expect("read"), "damage {number}");
        }
    }
}

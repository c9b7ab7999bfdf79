//! Reading the rows of a replica for whoever copies them, or asks the header first.

use std::ops::Bound;

use bytes::Bytes;
use kv::View;

use super::Group;
use crate::machine::{Machine, Subject};
use crate::tables::{self, SubjectRows};
use crate::{Error, Result};

/// Some rows of a subject, as they are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectPiece {
    /// The entry that last changed the subject; `None` when no entry has.
    pub index: Option<u64>,
    /// Keys and values, ascending.
    pub rows: Vec<(Bytes, Bytes)>,
    /// Whether no rows are behind these.
    pub is_last: bool,
}

impl<M: Machine> Group<M> {
    /// Runs a question on the rows of the header and of one subject as they stand together between two batches of
    /// entries. Whoever needs a linearizable answer calls [`Group::read_barrier`] before.
    ///
    /// # Errors
    /// [`Error::Tables`].
    pub async fn read_with_header<T, F>(&self, subject: Subject, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&SubjectRows<'_>, &SubjectRows<'_>) -> T + Send + 'static,
    {
        self.with_view(move |view| {
            let rows = SubjectRows::reading(view, &subject);
            let header = rows.header();
            let answer = question(&header, &rows);
            let failure = rows.take_failure().or(header.take_failure());
            failure.map_or(Ok(answer), |failure| Err(Error::Tables(failure)))
        })
        .await
    }

    /// Returns rows of a subject behind the key `after`, up to about `bytes_max`. Pieces that name the same entry
    /// as the last to change the subject are pieces of one state.
    ///
    /// # Errors
    /// [`Error::Tables`].
    pub async fn piece_of(
        &self,
        subject: Subject,
        after: Option<Bytes>,
        bytes_max: usize,
    ) -> Result<SubjectPiece> {
        self.with_view(move |view| {
            let index = tables::subject_index_in(view, &subject)?;
            let mut piece = SubjectPiece {
                index,
                rows: Vec::new(),
                is_last: true,
            };
            let mut bytes = 0;
            let from = after
                .as_ref()
                .map_or(Bound::Unbounded, |key| Bound::Excluded(&key[..]));
            let rows = SubjectRows::reading(view, &subject);
            rows.scan(from, Bound::Unbounded, &mut |key, value| {
                piece.is_last = bytes < bytes_max;
                if piece.is_last {
                    bytes += key.len() + value.len();
                    piece.rows.push((Bytes::copy_from_slice(key), value.clone()));
                }
                piece.is_last
            })?;
            Ok(piece)
        })
        .await
    }

    /// Returns the subjects that `wanted` picks, but not the header, with the entry that last changed each and what a
    /// question finds in its rows.
    ///
    /// # Errors
    /// [`Error::Tables`].
    pub async fn subjects_where<T, W, Q>(&self, wanted: W, question: Q) -> Result<Vec<(Subject, u64, T)>>
    where
        T: Send + 'static,
        W: Fn(&Subject) -> bool + Send + 'static,
        Q: Fn(&SubjectRows<'_>) -> T + Send + 'static,
    {
        let tables = self.machine.applier.share_tables();
        self.with_view(move |view| {
            let subjects = tables.subjects()?.into_iter();
            let wanted = subjects.map(|(subject, _)| subject).filter(wanted);
            let asked = wanted.map(|subject| {
                let rows = SubjectRows::reading(view, &subject);
                let answer = question(&rows);
                rows.take_failure().map_or(Ok(()), Err)?;
                // The list may be newer than the view.
                let index = tables::subject_index_in(view, &subject)?;
                Ok(index.map(|index| (subject, index, answer)))
            });
            asked.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn with_view<T, F>(&self, ask: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn View) -> Result<T> + Send + 'static,
    {
        let tables = self.machine.applier.share_tables();
        let ask = move || {
            let view = tables.table().view().map_err(Error::Tables)?;
            ask(&*view)
        };
        let answer = self.machine.blocking.run(ask).await?;
        answer.inspect_err(|error| {
            if error.lost_shelf().is_some() {
                // openraft hears of it only when it applies the next entry, which may be never.
                drop(self.machine.applier.fail(error.clone()));
            }
        })
    }
}

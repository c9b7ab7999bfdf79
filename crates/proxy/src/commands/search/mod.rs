//! SEARCH (RFC 3501 §6.4.4), ESEARCH (RFC 4731), SEARCHRES (RFC 5182), MODSEQ (RFC 7162 §3.1.5).

mod program;
mod text;

use std::num::NonZeroU32;

use imap_wire::command::{Addressing, Search};
use imap_wire::response::{self, ESearch, NumberRange, ResponseCode};
use imap_wire::types::{SearchKey, SearchReturn, Tag};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{Uid, UidSet};

use crate::answer::{Answer, CommandResult, Failure};
use crate::connection::Connection;
use crate::convert;
use crate::session::selected::{Expunges, Selected};

pub(super) async fn search(connection: &mut Connection, tag: &Tag, search: Search) -> CommandResult {
    let modseq = search.key.any(&mut |key| matches!(key, SearchKey::ModSeq(..)));
    if modseq {
        connection.session.enabled.condstore = true;
    }
    let returns = search.returns;
    let saves = returns.is_some_and(|returns| returns.save);
    // Sequence numbers in the keys must mean what the client meant: nothing is told as gone here.
    connection.sync(Expunges::Held).await?;
    let found = match run(connection, &search).await {
        Ok(found) => found,
        Err(failure) => {
            if saves {
                // RFC 5182 §2.1: a search that fails empties the saved result.
                connection.login_mut()?.saved = UidSet::new();
            }
            return Err(failure);
        }
    };
    let selected = connection.selected()?;
    let modseq = found.highest_modseq.filter(|_| modseq && !found.uids.is_empty());
    let mut out = Vec::new();
    match returns {
        None => {
            let numbers = numbers(selected, &found.uids, search.addressing);
            response::search(&mut out, numbers, modseq.map(convert::wire_modseq));
        }
        Some(returns) => {
            let modseq = modseq.map(convert::wire_modseq);
            extended(selected, &found.uids, tag, &search, modseq).encode_for(returns, &mut out);
        }
    }
    if let Some(returns) = returns.filter(|returns| returns.save) {
        connection.login_mut()?.saved = saved(&found.uids, returns);
    }
    connection.out().append(&mut out);
    Ok(Answer::ok("Searched"))
}

async fn run(connection: &Connection, search: &Search) -> Result<SearchResult, Failure> {
    let login = connection.login()?;
    let selected = connection.selected()?;
    if !text::is_known(&search.charset) {
        return Err(Answer::no(ResponseCode::BadCharset(text::CHARSETS), "Charset is not known").into());
    }
    let now = connection.services.environment.now();
    let key = program::compile(
        &search.key,
        &search.charset,
        &program::Terms { login, selected, now },
    )?;
    let program = SearchProgram {
        key,
        within: selected.sequence().uids(),
    };
    let mut found = connection.store()?.search(selected.mailbox, &program).await?;
    found.uids = found.uids.intersection(&program.within);
    Ok(found)
}

fn numbers(selected: &Selected, uids: &UidSet, addressing: Addressing) -> Vec<NonZeroU32> {
    let mut walk = selected.sequence().walk();
    let number = |uid: Uid| match addressing {
        Addressing::Uid => Some(convert::number(uid)),
        Addressing::Sequence => walk.number(uid).and_then(NonZeroU32::new),
    };
    uids.iter().filter_map(number).collect()
}

/// The parts of an ESEARCH response, of which the client has asked for some.
struct Extended<'a> {
    tag: &'a Tag,
    addressing: Addressing,
    ranges: Vec<NumberRange>,
    count: u32,
    modseq: Option<imap_wire::types::ModSeq>,
}

fn extended<'a>(
    selected: &Selected,
    uids: &UidSet,
    tag: &'a Tag,
    search: &Search,
    modseq: Option<imap_wire::types::ModSeq>,
) -> Extended<'a> {
    let ranges = match search.addressing {
        Addressing::Uid => convert::wire_ranges(uids).collect(),
        Addressing::Sequence => response::ranges(numbers(selected, uids, Addressing::Sequence)).collect(),
    };
    Extended {
        tag,
        addressing: search.addressing,
        ranges,
        count: u32::try_from(uids.len()).unwrap_or(u32::MAX),
        modseq,
    }
}

impl Extended<'_> {
    /// RFC 4731 §3.1. With SAVE alone nothing is sent but the empty response (RFC 5182 §2.1).
    fn encode_for(&self, returns: SearchReturn, out: &mut Vec<u8>) {
        if returns.save && !(returns.min || returns.max || returns.all || returns.count) {
            return;
        }
        let min = self.ranges.first().map(|range| *range.start());
        let max = self.ranges.last().map(|range| *range.end());
        let response = ESearch {
            tag: self.tag,
            addressing: self.addressing,
            min: min.filter(|_| returns.min),
            max: max.filter(|_| returns.max),
            all: returns.all.then_some(self.ranges.as_slice()),
            count: returns.count.then_some(self.count),
            mod_seq: self.modseq,
        };
        response.encode(out);
    }
}

/// What SAVE keeps: with MIN or MAX and without ALL or COUNT only those (RFC 5182 §2.4).
fn saved(uids: &UidSet, returns: SearchReturn) -> UidSet {
    if returns.all || returns.count || !(returns.min || returns.max) {
        return uids.clone();
    }
    let min = uids.first().filter(|_| returns.min);
    let max = uids.last().filter(|_| returns.max);
    min.into_iter().chain(max).collect()
}

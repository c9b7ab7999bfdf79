//! SEARCH (RFC 3501 §6.4.4), ESEARCH (RFC 4731), SEARCHRES (RFC 5182), MODSEQ (RFC 7162 §3.1.5).

mod program;
mod text;

use std::num::NonZeroU32;

use imap_wire::command::{Addressing, Search};
use imap_wire::response::{self, Condition, ESearch, NumberRange, ResponseCode};
use imap_wire::types::{SearchKey, SearchReturn, Tag};
use mailstore::search::{SearchKey as Key, SearchProgram, SearchResult};
use mailstore::{ModSeq, Uid, UidSet};

use crate::answer::{Answer, CommandResult, Failure};
use crate::connection::Connection;
use crate::convert;
use crate::session::selected::{Expunges, Selected};

pub(super) async fn search(connection: &mut Connection, tag: &Tag, search: Search) -> CommandResult {
    let wants_modseq = search.key.any(&mut |key| matches!(key, SearchKey::ModSeq(..)));
    if wants_modseq {
        connection.enable_condstore();
    }
    let returns = search.returns;
    let saves = returns.is_some_and(|returns| returns.save);
    let (found, modseq) = match find(connection, &search, wants_modseq).await {
        Ok(found) => found,
        Err(failure) => {
            if saves && !is_bad(&failure) {
                // RFC 5182 §2.1: NO empties the saved result, BAD leaves it.
                connection.login_mut()?.saved = UidSet::new();
            }
            return Err(failure);
        }
    };
    let selected = connection.selected()?;
    let modseq = modseq.map(convert::wire_modseq);
    let mut out = Vec::new();
    match returns {
        None => {
            let numbers = numbers(selected, &found, search.addressing);
            response::search(&mut out, numbers, modseq);
        }
        Some(returns) => extended(selected, &found, tag, &search, modseq).encode_for(returns, &mut out),
    }
    if let Some(returns) = returns.filter(|returns| returns.save) {
        connection.login_mut()?.saved = told_of(&found, returns);
    }
    connection.out().append(&mut out);
    Ok(Answer::ok("Searched"))
}

fn is_bad(failure: &Failure) -> bool {
    matches!(failure, Failure::Answer(answer) if answer.condition == Condition::Bad)
}

/// Returns what matches, and the modification sequence to tell with it: of the messages that MIN and MAX
/// single out where the client asks for nothing else, of all that match otherwise (RFC 4731 §3.2).
async fn find(
    connection: &mut Connection,
    search: &Search,
    wants_modseq: bool,
) -> Result<(UidSet, Option<ModSeq>), Failure> {
    // Sequence numbers in the keys must mean what the client meant: nothing is told as gone here.
    connection.sync(Expunges::Held).await?;
    let found = run(connection, search).await?;
    if !wants_modseq || found.uids.is_empty() {
        return Ok((found.uids, None));
    }
    let told = search
        .returns
        .map_or_else(|| found.uids.clone(), |returns| told_of(&found.uids, returns));
    if told == found.uids {
        return Ok((found.uids, found.highest_modseq));
    }
    let program = SearchProgram {
        key: Key::All,
        within: told,
    };
    let mailbox = connection.selected()?.mailbox;
    let of_told = connection.store()?.search(mailbox, &program).await?;
    Ok((found.uids, of_told.highest_modseq.or(found.highest_modseq)))
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
    /// RFC 4731 §3.1. With SAVE alone there is no response but the tagged one (RFC 5182 §2.1).
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

/// What MIN and MAX single out, where neither ALL nor COUNT asks for the rest: those are what SAVE keeps
/// (RFC 5182 §2.4) and what MODSEQ is of (RFC 4731 §3.2).
fn told_of(uids: &UidSet, returns: SearchReturn) -> UidSet {
    if returns.all || returns.count || !(returns.min || returns.max) {
        return uids.clone();
    }
    let min = uids.first().filter(|_| returns.min);
    let max = uids.last().filter(|_| returns.max);
    min.into_iter().chain(max).collect()
}

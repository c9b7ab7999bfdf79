//! SEARCH back to bytes.

use crate::command::Search;
use crate::command::encode::{astring, words};
use crate::encode::{self, number};
use crate::types::{Charset, Date, EntryKind, Flag, ModSeqEntry, SearchKey, SearchText};

impl Search {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        if let Some(returns) = self.returns {
            out.extend_from_slice(b" RETURN ");
            words(
                out,
                &[
                    (returns.min, "MIN"),
                    (returns.max, "MAX"),
                    (returns.all, "ALL"),
                    (returns.count, "COUNT"),
                    (returns.save, "SAVE"),
                ],
            );
        }
        match &self.charset {
            Charset::Utf8 => {}
            Charset::UsAscii => out.extend_from_slice(b" CHARSET US-ASCII"),
            Charset::Other(label) => {
                out.extend_from_slice(b" CHARSET ");
                astring(out, label.as_bytes());
            }
        }
        // The keys of the command need no parentheses, which would nest deeper than what was parsed.
        let keys = match &self.key {
            SearchKey::And(keys) => keys.as_slice(),
            key => std::slice::from_ref(key),
        };
        for key in keys {
            out.push(b' ');
            key.encode(out);
        }
    }
}

impl SearchKey {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::And(keys) => encode::list(out, keys, |out, key| key.encode(out)),
            Self::Or(left, right) => {
                out.extend_from_slice(b"OR ");
                left.encode(out);
                out.push(b' ');
                right.encode(out);
            }
            Self::Not(key) => {
                out.extend_from_slice(b"NOT ");
                key.encode(out);
            }
            Self::Sequence(set) => set.encode(out),
            Self::Uid(set) => {
                out.extend_from_slice(b"UID ");
                set.encode(out);
            }
            Self::Flag(flag) => flag_key(out, "", flag),
            Self::NoFlag(flag) => flag_key(out, "UN", flag),
            Self::All => out.extend_from_slice(b"ALL"),
            Self::Recent => out.extend_from_slice(b"RECENT"),
            Self::New => out.extend_from_slice(b"NEW"),
            Self::Old => out.extend_from_slice(b"OLD"),
            _ => self.encode_with_argument(out),
        }
    }

    /// The keys that have one argument and no keys below them.
    fn encode_with_argument(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bcc(value) => text(out, "BCC ", value),
            Self::Body(value) => text(out, "BODY ", value),
            Self::Cc(value) => text(out, "CC ", value),
            Self::From(value) => text(out, "FROM ", value),
            Self::Subject(value) => text(out, "SUBJECT ", value),
            Self::Text(value) => text(out, "TEXT ", value),
            Self::To(value) => text(out, "TO ", value),
            Self::Header(header) => {
                out.extend_from_slice(b"HEADER ");
                astring(out, &header.name);
                text(out, " ", &header.text);
            }
            Self::Before(value) => day(out, "BEFORE ", *value),
            Self::On(value) => day(out, "ON ", *value),
            Self::Since(value) => day(out, "SINCE ", *value),
            Self::SentBefore(value) => day(out, "SENTBEFORE ", *value),
            Self::SentOn(value) => day(out, "SENTON ", *value),
            Self::SentSince(value) => day(out, "SENTSINCE ", *value),
            Self::Larger(value) => count(out, "LARGER ", *value),
            Self::Smaller(value) => count(out, "SMALLER ", *value),
            Self::Older(value) => count(out, "OLDER ", value.get().into()),
            Self::Younger(value) => count(out, "YOUNGER ", value.get().into()),
            Self::ModSeq(entry, value) => {
                out.extend_from_slice(b"MODSEQ ");
                if let Some(entry) = entry {
                    mod_seq_entry(out, entry);
                }
                number(out, value.get());
            }
            Self::EmailId(id) => out.extend_from_slice(format!("EMAILID {id}").as_bytes()),
            Self::ThreadId(id) => out.extend_from_slice(format!("THREADID {id}").as_bytes()),
            _ => {}
        }
    }
}

fn text(out: &mut Vec<u8>, name: &str, value: &SearchText) {
    out.extend_from_slice(name.as_bytes());
    astring(out, &value.0);
}

fn day(out: &mut Vec<u8>, name: &str, value: Date) {
    out.extend_from_slice(name.as_bytes());
    value.encode(out);
}

fn count(out: &mut Vec<u8>, name: &str, value: u64) {
    out.extend_from_slice(name.as_bytes());
    number(out, value);
}

fn flag_key(out: &mut Vec<u8>, prefix: &str, flag: &Flag) {
    out.extend_from_slice(prefix.as_bytes());
    let name = match flag {
        Flag::Answered => "ANSWERED",
        Flag::Flagged => "FLAGGED",
        Flag::Deleted => "DELETED",
        Flag::Seen => "SEEN",
        Flag::Draft => "DRAFT",
        Flag::Keyword(keyword) => {
            out.extend_from_slice(b"KEYWORD ");
            keyword.as_str()
        }
    };
    out.extend_from_slice(name.as_bytes());
}

/// `entry-name SP entry-type-req SP` (RFC 7162 §7)
fn mod_seq_entry(out: &mut Vec<u8>, entry: &ModSeqEntry) {
    let mut name = b"/flags/".to_vec();
    entry.flag.as_ref().encode(&mut name);
    encode::string(out, &name);
    out.extend_from_slice(match entry.kind {
        EntryKind::Private => b" priv ".as_slice(),
        EntryKind::Shared => b" shared ",
        EntryKind::All => b" all ",
    });
}

//! Keywords: from names to bits of a mailbox's table, and from table to table.

use crate::error::Rejection;
use crate::flags::{FlagBits, KEYWORDS_MAX, Keyword, NamedFlags, SystemFlag};
use crate::mailbox::Mailbox;

/// Returns the bits of flags, adding keywords to the table that it lacks.
pub(super) fn bits_adding(mailbox: &mut Mailbox, flags: &NamedFlags) -> Result<FlagBits, Rejection> {
    let mut bits = system_bits(flags);
    for keyword in &flags.keywords {
        bits = bits.with(FlagBits::keyword(index_adding(mailbox, keyword)?));
    }
    Ok(bits)
}

/// Returns the bits of those flags that the table knows.
pub(super) fn bits_known(mailbox: &Mailbox, flags: &NamedFlags) -> FlagBits {
    let known = flags
        .keywords
        .iter()
        .filter_map(|keyword| index(mailbox, keyword));
    known.fold(system_bits(flags), |bits, index| {
        bits.with(FlagBits::keyword(index))
    })
}

/// Returns the bits in `target`'s table of flags that stand in the table `source`, adding what is
/// missing.
pub(super) fn translated(
    source: &[Keyword],
    target: &mut Mailbox,
    flags: FlagBits,
) -> Result<FlagBits, Rejection> {
    let mut bits = flags
        .system_flags()
        .fold(FlagBits::EMPTY, |bits, flag| bits.with(FlagBits::system(flag)));
    // A bit beyond the source's table names nothing.
    for keyword in flags.keyword_indexes().filter_map(|index| source.get(index)) {
        bits = bits.with(FlagBits::keyword(index_adding(target, keyword)?));
    }
    Ok(bits)
}

fn system_bits(flags: &NamedFlags) -> FlagBits {
    SystemFlag::ALL
        .into_iter()
        .filter(|flag| flags.system.has(*flag))
        .fold(FlagBits::EMPTY, |bits, flag| bits.with(FlagBits::system(flag)))
}

fn index(mailbox: &Mailbox, keyword: &Keyword) -> Option<usize> {
    mailbox.keywords.iter().position(|known| known == keyword)
}

fn index_adding(mailbox: &mut Mailbox, keyword: &Keyword) -> Result<usize, Rejection> {
    if let Some(index) = index(mailbox, keyword) {
        return Ok(index);
    }
    if mailbox.keywords.len() >= KEYWORDS_MAX {
        return Err(Rejection::TooManyKeywords);
    }
    mailbox.keywords.push(keyword.clone());
    Ok(mailbox.keywords.len() - 1)
}

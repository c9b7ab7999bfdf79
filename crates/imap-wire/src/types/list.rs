//! LIST options and special uses.

use crate::types::StatusItem;

/// What a mailbox is for.
///
/// `use-attr = "\All" / "\Archive" / ...` (RFC 6154 §6); `\Important` is of RFC 8457 §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpecialUse {
    /// `\All`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`
    Flagged,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
    /// `\Important`
    Important,
}

impl SpecialUse {
    /// Every special use.
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Archive,
        Self::Drafts,
        Self::Flagged,
        Self::Junk,
        Self::Sent,
        Self::Trash,
        Self::Important,
    ];

    /// Returns the attribute with its backslash.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
            Self::Important => "\\Important",
        }
    }

    /// Returns the use of that attribute, in any case.
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|special| name.eq_ignore_ascii_case(special.name().as_bytes()))
    }
}

/// Which mailboxes LIST selects, beside the patterns.
///
/// `list-select-opts` (RFC 5258 §6, RFC 6154 §6)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListSelection {
    /// `SUBSCRIBED`: subscriptions, whether the mailboxes exist or not.
    pub subscribed: bool,
    /// `REMOTE`: also mailboxes that other servers hold.
    pub remote: bool,
    /// `RECURSIVEMATCH`: also parents of what would match.
    pub recursive_match: bool,
    /// `SPECIAL-USE`: only mailboxes with a special use.
    pub special_use: bool,
}

/// What LIST answers beside the names.
///
/// `list-return-opts` (RFC 5258 §6, RFC 5819 §4, RFC 6154 §6)
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListReturn {
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `CHILDREN`
    pub children: bool,
    /// `SPECIAL-USE`
    pub special_use: bool,
    /// `STATUS`: a STATUS response for each selectable mailbox.
    pub status: Option<Vec<StatusItem>>,
}

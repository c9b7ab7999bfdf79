//! What is accepted although the grammar does not admit it.

/// Something that the grammar does not admit but that clients send, accepted and to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leniency {
    /// Spaces before the end of the line or before a closing parenthesis, or after an opening one.
    StraySpace,
    /// More than one space between arguments.
    RepeatedSpace,
    /// Bytes above 127 in a quoted string before UTF8=ACCEPT was enabled, or in a search without CHARSET.
    EightBit,
    /// A mailbox name in UTF-8 before UTF8=ACCEPT was enabled.
    Utf8MailboxName,
    /// A backslash before a character that needs none.
    NeedlessEscape,
    /// A trailing hierarchy delimiter outside CREATE.
    TrailingDelimiter,
    /// A day of one digit without its leading space in a date-time.
    UnpaddedDay,
    /// A FETCH macro inside a list of items.
    MacroInList,
    /// `\Recent` among flags to store, which is dropped.
    RecentFlag,
    /// `CHANGEDSINCE 0`, which asks for everything (Apple Mail).
    ZeroModSeq,
}

impl Leniency {
    /// Every leniency.
    pub const ALL: [Self; 10] = [
        Self::StraySpace,
        Self::RepeatedSpace,
        Self::EightBit,
        Self::Utf8MailboxName,
        Self::NeedlessEscape,
        Self::TrailingDelimiter,
        Self::UnpaddedDay,
        Self::MacroInList,
        Self::RecentFlag,
        Self::ZeroModSeq,
    ];

    /// Returns a name for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::StraySpace => "stray_space",
            Self::RepeatedSpace => "repeated_space",
            Self::EightBit => "eight_bit",
            Self::Utf8MailboxName => "utf8_mailbox_name",
            Self::NeedlessEscape => "needless_escape",
            Self::TrailingDelimiter => "trailing_delimiter",
            Self::UnpaddedDay => "unpadded_day",
            Self::MacroInList => "macro_in_list",
            Self::RecentFlag => "recent_flag",
            Self::ZeroModSeq => "zero_mod_seq",
        }
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// A set of leniencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leniencies(u16);

impl Leniencies {
    /// Returns the set with `leniency` in it.
    #[must_use]
    pub fn with(self, leniency: Leniency) -> Self {
        Self(self.0 | leniency.bit())
    }

    /// Returns the leniencies in the set.
    pub fn iter(self) -> impl Iterator<Item = Leniency> {
        Leniency::ALL
            .into_iter()
            .filter(move |leniency| self.0 & leniency.bit() != 0)
    }

    /// Tells whether the command was spelled as the grammar has it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_leniency_has_a_bit_of_its_own() {
        for leniency in Leniency::ALL {
            assert_eq!(
                Leniencies::default().with(leniency).iter().collect::<Vec<_>>(),
                [leniency]
            );
        }
        let all = Leniency::ALL
            .into_iter()
            .fold(Leniencies::default(), Leniencies::with);
        assert_eq!(all.iter().count(), Leniency::ALL.len());
    }
}

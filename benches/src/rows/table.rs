//! The table of rows, and how they are named on the command line.

use std::str::FromStr;

use anyhow::Context;

use crate::report::Unit::{self, Kibibytes, Milliseconds, PerSecond};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Login,
    Append,
    AppendShared,
    Deliver,
    Fill,
    FetchFlags,
    FetchListFirst,
    FetchList,
    FetchBodies,
    Store,
    StoreSilent,
    Copy,
    Move,
    SearchFrom,
    SearchText,
    SelectFirst,
    Select,
    Idle,
    FanOut,
}

pub struct Description {
    kind: Kind,
    pub name: &'static str,
    /// The number that stands for `name` alone.
    number: usize,
    pub unit: Unit,
    text: &'static str,
}

const fn row(kind: Kind, name: &'static str, number: usize, unit: Unit, text: &'static str) -> Description {
    Description {
        kind,
        name,
        number,
        unit,
        text,
    }
}

const ROWS: &[Description] = &[
    row(
        Kind::Login,
        "login",
        1,
        PerSecond,
        "connect, LOGIN, LOGOUT, at N connections",
    ),
    row(
        Kind::Append,
        "append",
        1,
        PerSecond,
        "APPEND at N connections, a mailbox for each",
    ),
    row(
        Kind::AppendShared,
        "append-shared",
        32,
        PerSecond,
        "APPEND at N connections to one mailbox of one account",
    ),
    row(
        Kind::Deliver,
        "lmtp",
        1,
        PerSecond,
        "LMTP delivery at N connections",
    ),
    row(
        Kind::Fill,
        "fill",
        10_000,
        PerSecond,
        "N messages sent by APPEND without waiting, to an empty mailbox",
    ),
    row(
        Kind::FetchFlags,
        "fetch-flags",
        10_000,
        Milliseconds,
        "FETCH 1:* FLAGS of N messages",
    ),
    row(
        Kind::FetchListFirst,
        "fetch-list-first",
        10_000,
        Milliseconds,
        "the message list of N messages never asked for",
    ),
    row(
        Kind::FetchList,
        "fetch-list",
        10_000,
        Milliseconds,
        "the message list of N messages, again",
    ),
    row(
        Kind::FetchBodies,
        "fetch-bodies",
        1_000,
        Milliseconds,
        "BODY.PEEK[] of N messages",
    ),
    row(
        Kind::Store,
        "store",
        10_000,
        Milliseconds,
        "STORE +FLAGS or -FLAGS on N messages",
    ),
    row(
        Kind::StoreSilent,
        "store-silent",
        10_000,
        Milliseconds,
        "the same with .SILENT",
    ),
    row(
        Kind::Copy,
        "copy",
        10_000,
        Milliseconds,
        "COPY of N messages to an empty mailbox",
    ),
    row(
        Kind::Move,
        "move",
        10_000,
        Milliseconds,
        "MOVE of N messages to an empty mailbox",
    ),
    row(
        Kind::SearchFrom,
        "search-from",
        10_000,
        Milliseconds,
        "SEARCH FROM in N messages, one in 50 found",
    ),
    row(
        Kind::SearchText,
        "search-text",
        10_000,
        Milliseconds,
        "SEARCH TEXT in N messages, one in 100 found",
    ),
    row(
        Kind::SelectFirst,
        "select-first",
        10_000,
        Milliseconds,
        "first SELECT of N messages in a new session",
    ),
    row(
        Kind::Select,
        "select",
        10_000,
        Milliseconds,
        "SELECT of N messages, again in one session",
    ),
    row(
        Kind::Idle,
        "idle",
        1_000,
        Kibibytes,
        "memory for each of N sessions in IDLE on 10,000 messages (--pid)",
    ),
    row(
        Kind::FanOut,
        "fan-out",
        100,
        Milliseconds,
        "one APPEND until the last of N sessions in IDLE is told",
    ),
];

/// A row with its number: of connections, messages or sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub kind: Kind,
    pub number: usize,
}

impl FromStr for Row {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let row = ROWS.iter().find(|row| row.name == name).ok_or("no such row")?;
        let number = match number {
            Some(number) => number
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or("the number is not one")?,
            None => row.number,
        };
        Ok(Self {
            kind: row.kind,
            number,
        })
    }
}

impl Row {
    /// Lists the rows for `--help`.
    pub fn help() -> String {
        let lines = ROWS.iter().map(|row| {
            let name = format!("{}:{}", row.name, row.number);
            format!("  {name:<24} {} ({})\n", row.text, row.unit_name())
        });
        format!(
            "Rows, each with the number N that is taken where none is given:\n{}",
            lines.collect::<String>()
        )
    }

    pub fn description(self) -> anyhow::Result<&'static Description> {
        ROWS.iter()
            .find(|row| row.kind == self.kind)
            .context("every kind has a row")
    }
}

impl Description {
    pub fn unit_name(&self) -> &'static str {
        match self.unit {
            Unit::Milliseconds => "ms",
            Unit::PerSecond => "per second",
            Unit::Kibibytes => "KiB",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_name_with_or_without_a_number() {
        let check =
            |text: &str, expected: Option<Row>| assert_eq!(text.parse::<Row>().ok(), expected, "{text}");
        check(
            "append",
            Some(Row {
                kind: Kind::Append,
                number: 1,
            }),
        );
        check(
            "append:32",
            Some(Row {
                kind: Kind::Append,
                number: 32,
            }),
        );
        check(
            "select:100000",
            Some(Row {
                kind: Kind::Select,
                number: 100_000,
            }),
        );
        check("append:0", None);
        check("append:x", None);
        check("nothing", None);
    }
}

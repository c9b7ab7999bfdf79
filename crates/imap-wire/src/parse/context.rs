//! What parsers share: the session's options, the leniencies taken, and errors.

use crate::command::{Leniencies, Leniency};
use crate::error::WireError;
use crate::parse::ParseOptions;
use nom::error::{ErrorKind, ParseError};
use std::cell::Cell;

/// The deepest nesting of parentheses in a command.
pub(crate) const LIST_DEPTH_MAX: usize = 32;

/// What a parser returns: the rest of the command and a value.
pub(crate) type Parsed<'a, T> = nom::IResult<&'a [u8], T, Failure<'a>>;

/// An error of the grammar and where it was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure<'a> {
    /// The input that did not match.
    pub(crate) rest: &'a [u8],
    /// Why.
    pub(crate) error: WireError,
}

impl<'a> ParseError<&'a [u8]> for Failure<'a> {
    fn from_error_kind(rest: &'a [u8], _: ErrorKind) -> Self {
        Self {
            rest,
            error: WireError::syntax("other arguments"),
        }
    }

    /// Of two alternatives that failed, the one that got further knows more.
    fn append(_: &'a [u8], _: ErrorKind, other: Self) -> Self {
        other
    }

    fn or(self, other: Self) -> Self {
        if self.rest.len() < other.rest.len() {
            self
        } else {
            other
        }
    }
}

/// The session's part in parsing one command.
pub(crate) struct Context {
    options: ParseOptions,
    leniencies: Cell<Leniencies>,
}

impl Context {
    pub(crate) fn new(options: ParseOptions) -> Self {
        Self {
            options,
            leniencies: Cell::default(),
        }
    }

    pub(crate) fn options(&self) -> ParseOptions {
        self.options
    }

    pub(crate) fn leniencies(&self) -> Leniencies {
        self.leniencies.get()
    }

    /// Records that `rest` is taken although the grammar does not admit it, or refuses it for good in
    /// strict mode.
    pub(crate) fn tolerate<'a>(
        &self,
        leniency: Leniency,
        rest: &'a [u8],
    ) -> Result<(), nom::Err<Failure<'a>>> {
        if self.options.strict {
            return Err(fail(rest, WireError::syntax("strict syntax")));
        }
        self.leniencies.set(self.leniencies.get().with(leniency));
        Ok(())
    }
}

/// An error that no alternative can mend.
pub(crate) fn fail(rest: &[u8], error: WireError) -> nom::Err<Failure<'_>> {
    nom::Err::Failure(Failure { rest, error })
}

/// An error that says what the grammar wanted here; an alternative may still match.
pub(crate) fn expected<'a>(rest: &'a [u8], expected: &'static str) -> nom::Err<Failure<'a>> {
    nom::Err::Error(Failure {
        rest,
        error: WireError::syntax(expected),
    })
}

/// Runs `parser` and says `what` was expected if it does not match.
pub(crate) fn expect<'a, T>(
    what: &'static str,
    input: &'a [u8],
    parser: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    parser(input).map_err(|error| match error {
        nom::Err::Error(Failure {
            error: WireError::Syntax { .. },
            ..
        }) => expected(input, what),
        other => other,
    })
}

/// Returns the reason of a failed parse.
pub(crate) fn failure(error: nom::Err<Failure<'_>>) -> WireError {
    match error {
        nom::Err::Error(failure) | nom::Err::Failure(failure) => failure.error,
        nom::Err::Incomplete(_) => WireError::syntax("more input"),
    }
}

//! The state machine that cuts the stream.

use crate::command::Literal;
use crate::error::WireError;
use crate::frame::{Event, Frame, Limits, Recovery, Rejection};
use crate::parse::append::{self, Announced};
use crate::parse::{self, ParseOptions};
use crate::types::Tag;
use std::fmt;
use std::mem;
use zeroize::Zeroizing;

/// The longest end of a line that can be a literal's header: `~{`, twenty digits, `+}` and CRLF.
const HEADER_BYTES_MAX: usize = 26;

/// How much room the buffer has from the start, enough for most commands.
const BUFFER_BYTES_MIN: usize = 128;

/// Cuts a client's byte stream into [`Event`]s.
///
/// It holds the bytes of the command under way and nothing else: between commands it owns no memory,
/// and it never looks at a byte behind the event that it returns, so the caller may switch limits,
/// options or the meaning of the next line between two events however much the client has pipelined.
pub struct Framer {
    limits: Limits,
    options: ParseOptions,
    state: State,
    /// The command so far, or the line so far.
    buffer: Zeroizing<Vec<u8>>,
    /// Where the present line begins in `buffer`.
    line_start: usize,
    /// The tag of the APPEND under way.
    append_tag: Option<Tag>,
}

impl fmt::Debug for Framer {
    /// Shows how much is held, never what: it may be a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Framer");
        shown
            .field("state", &self.state)
            .field("held_bytes", &self.buffer.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a line of a command.
    Command,
    /// In a literal of an argument.
    Literal { left: usize },
    /// In a line that is no command.
    Line,
    /// At a message that the caller has yet to accept or refuse.
    Undecided { literal: Literal, utf8: bool },
    /// In a message.
    Body {
        left: u64,
        binary: bool,
        utf8: bool,
        nul: bool,
    },
    /// In the line behind a message.
    BehindBody { utf8: bool },
    /// In a literal of a rejected command, whose rest may be read over up to `budget` bytes.
    SkipLiteral { left: u64, budget: u64 },
    /// In a line of a rejected command, of which `room` bytes more are read over.
    SkipLine { budget: u64, room: usize },
    /// No more events.
    Closed,
}

impl Framer {
    /// Returns a framer at the beginning of a command.
    pub fn new(limits: Limits, options: ParseOptions) -> Self {
        Self {
            limits,
            options,
            state: State::Command,
            buffer: Zeroizing::new(Vec::new()),
            line_start: 0,
            append_tag: None,
        }
    }

    /// Changes the limits, at login and at UNAUTHENTICATE.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Changes how an APPEND's arguments are read, at ENABLE.
    pub fn set_options(&mut self, options: ParseOptions) {
        self.options = options;
    }

    /// Makes the next line an [`Event::Line`]: a SASL response, or the end of IDLE.
    ///
    /// To be called between commands, that is after an [`Event::Command`] or an [`Event::Line`].
    pub fn expect_line(&mut self) {
        if self.state == State::Command && self.buffer.is_empty() {
            self.state = State::Line;
        }
    }

    /// Tells whether the framer stands between two commands and holds nothing of the next.
    pub fn is_between_commands(&self) -> bool {
        self.buffer.is_empty() && matches!(self.state, State::Command | State::Line)
    }

    /// Tells whether the framer has given up: it makes no more events and takes no more bytes. Whoever
    /// reads on for it would read without bound.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Takes the message just announced: its bytes come as [`Event::Body`]. The caller sends `+` if
    /// the literal is synchronising.
    pub fn accept_message(&mut self) {
        if let State::Undecided { literal, utf8 } = self.state {
            self.state = State::Body {
                left: literal.bytes,
                binary: literal.binary,
                utf8,
                nul: false,
            };
        }
    }

    /// Refuses the message just announced and ends the APPEND.
    ///
    /// Returns how many bytes of it the client sends all the same, which are read over without being
    /// kept: none if it waits for `+`. Where that is more than the caller wants to read, it closes.
    pub fn refuse_message(&mut self) -> u64 {
        let State::Undecided { literal, .. } = self.state else {
            return 0;
        };
        self.reset();
        if literal.synchronising {
            return 0;
        }
        self.state = State::SkipLiteral {
            left: literal.bytes,
            budget: self.limits.skip_bytes_max,
        };
        literal.bytes
    }

    /// Consumes bytes from the front of `input` up to and with the next event.
    ///
    /// Returns `None` when `input` is used up, when a message awaits its decision, or after an event
    /// that closes the connection.
    pub fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Option<Event<'i>> {
        loop {
            let event = match self.state {
                State::Command | State::Line | State::BehindBody { .. } => match self.take_line(input)? {
                    Ok(()) => self.line_complete(),
                    Err(error) => Some(self.close(error)),
                },
                State::Literal { left } => self.take_literal(input, left)?,
                State::Body {
                    left: 0, utf8, nul, ..
                } => {
                    self.state = State::BehindBody { utf8 };
                    Some(Event::BodyEnd { nul })
                }
                State::Body { .. } => self.take_body(input).map(Some)?,
                State::SkipLiteral { left, budget } => self.skip_literal(input, left, budget)?,
                State::SkipLine { budget, room } => self.skip_line(input, budget, room)?,
                State::Undecided { .. } | State::Closed => return None,
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Moves bytes of a line into the buffer; `Some(Ok)` when its LF is there.
    fn take_line(&mut self, input: &mut &[u8]) -> Option<Result<(), WireError>> {
        let line_feed = input.iter().position(|byte| *byte == b'\n');
        let taken = line_feed.map_or(input.len(), |position| position + 1);
        let line_room = self
            .limits
            .line_bytes_max
            .saturating_sub(self.buffer.len() - self.line_start);
        let command_room = self.limits.command_bytes_max.saturating_sub(self.buffer.len());
        // What fits is taken even from a line that does not, so that its tag is known.
        self.keep(take(input, taken.min(line_room).min(command_room)));
        if taken > line_room.min(command_room) {
            let line_is_shorter = line_room <= command_room;
            return Some(Err(if line_is_shorter {
                WireError::LineTooLong
            } else {
                WireError::CommandTooLong
            }));
        }
        line_feed.map(|_| Ok(()))
    }

    /// Adds to the command so far. Where the buffer has to grow, the old one is wiped: a `Vec` that
    /// grows by itself would leave passwords behind.
    fn keep(&mut self, bytes: &[u8]) {
        let length = self.buffer.len() + bytes.len();
        if length > self.buffer.capacity() {
            let mut grown = Vec::with_capacity(length.next_power_of_two().max(BUFFER_BYTES_MIN));
            grown.extend_from_slice(&self.buffer);
            self.buffer = Zeroizing::new(grown);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Decides what a whole line in the buffer is.
    fn line_complete(&mut self) -> Option<Event<'static>> {
        let line = self.buffer.get(self.line_start..).unwrap_or_default();
        let header = if self.state == State::Line {
            None
        } else {
            trailing_literal(line)
        };
        if let Err(error) = check_line(line) {
            return Some(self.reject(error, header));
        }
        match (self.state, header) {
            (State::Line, _) => {
                let length = self.buffer.len().saturating_sub(2);
                self.buffer.truncate(length);
                Some(Event::Line(self.take_frame()))
            }
            (State::BehindBody { utf8 }, header) => Some(self.behind_body(utf8, header)),
            (_, None) => Some(Event::Command(self.take_frame())),
            (_, Some(literal)) => self.literal_announced(literal),
        }
    }

    fn literal_announced(&mut self, literal: Literal) -> Option<Event<'static>> {
        match append::announced(&self.buffer, self.options) {
            Err(error) => Some(self.reject(error, Some(literal))),
            Ok(Announced::Message(append)) => Some(self.message_announced(append)),
            Ok(Announced::Argument) => self.argument_announced(literal),
        }
    }

    fn message_announced(&mut self, append: crate::command::Append) -> Event<'static> {
        let (literal, utf8) = (append.message.literal, append.message.utf8);
        if self.comes_too_soon(literal) {
            return self.reject(WireError::LiteralTooLarge, Some(literal));
        }
        self.reset();
        self.append_tag = Some(append.tag.clone());
        self.state = State::Undecided { literal, utf8 };
        Event::Append(append)
    }

    fn argument_announced(&mut self, literal: Literal) -> Option<Event<'static>> {
        let room = self.limits.command_bytes_max.saturating_sub(self.buffer.len());
        let left = usize::try_from(literal.bytes).unwrap_or(usize::MAX);
        let too_large = literal.bytes > self.limits.literal_bytes_max || left > room;
        if literal.binary {
            return Some(self.reject(WireError::LiteralForbidden, Some(literal)));
        }
        if too_large || self.comes_too_soon(literal) {
            return Some(self.reject(WireError::LiteralTooLarge, Some(literal)));
        }
        self.state = State::Literal { left };
        literal.synchronising.then_some(Event::Continue)
    }

    /// RFC 7888 §5: with LITERAL- a large literal has to wait for `+`.
    fn comes_too_soon(&self, literal: Literal) -> bool {
        !literal.synchronising && literal.bytes > self.limits.non_synchronising_bytes_max
    }

    fn take_literal(&mut self, input: &mut &[u8], left: usize) -> Option<Option<Event<'static>>> {
        let taken = left.min(input.len());
        self.keep(take(input, taken));
        if taken < left {
            self.state = State::Literal { left: left - taken };
            return None;
        }
        self.line_start = self.buffer.len();
        self.state = State::Command;
        Some(None)
    }

    fn take_body<'i>(&mut self, input: &mut &'i [u8]) -> Option<Event<'i>> {
        let State::Body {
            left, binary, nul, ..
        } = &mut self.state
        else {
            return None;
        };
        if input.is_empty() {
            return None;
        }
        let taken = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
        let chunk = take(input, taken);
        *left -= crate::encode::as_u64(taken);
        *nul |= !*binary && chunk.contains(&0);
        Some(Event::Body(chunk))
    }

    /// Decides what the line behind a message is: the end, or the way to another message.
    fn behind_body(&mut self, utf8: bool, header: Option<Literal>) -> Event<'static> {
        let line: &[u8] = &self.buffer;
        let rest = match (utf8, line.strip_prefix(b")")) {
            (false, _) => line,
            (true, Some(rest)) => rest,
            (true, None) => return self.reject(WireError::syntax(")"), header),
        };
        let Some(literal) = header else {
            if append::is_end(rest, self.options) {
                self.reset();
                return Event::AppendEnd;
            }
            return self.reject(WireError::syntax("the end of the line"), None);
        };
        match append::another(rest, self.options) {
            Ok(_) if self.comes_too_soon(literal) => self.reject(WireError::LiteralTooLarge, Some(literal)),
            Ok(message) => {
                self.buffer.clear();
                self.state = State::Undecided {
                    literal: message.literal,
                    utf8: message.utf8,
                };
                Event::AppendAnother(message)
            }
            Err(error) => self.reject(error, Some(literal)),
        }
    }

    /// Rejects the command. A literal that the client sends without waiting is read over, if that is
    /// little enough; one that waits for `+` is never sent.
    fn reject(&mut self, error: WireError, announced: Option<Literal>) -> Event<'static> {
        let tag = self.tag();
        self.reset();
        let recovery = match announced {
            Some(literal) if !literal.synchronising => self.skip(literal.bytes, self.limits.skip_bytes_max),
            _ => Recovery::Resume,
        };
        Event::Rejected(Rejection { tag, error, recovery })
    }

    /// Begins to read over `bytes` of a literal, or closes if they exceed `budget`.
    fn skip(&mut self, bytes: u64, budget: u64) -> Recovery {
        match budget.checked_sub(bytes) {
            Some(budget) => {
                self.state = State::SkipLiteral { left: bytes, budget };
                Recovery::Resume
            }
            None => {
                self.state = State::Closed;
                Recovery::Close
            }
        }
    }

    fn skip_literal(&mut self, input: &mut &[u8], left: u64, budget: u64) -> Option<Option<Event<'static>>> {
        let taken = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        take(input, taken);
        let left = left - crate::encode::as_u64(taken);
        let room = self.limits.line_bytes_max;
        self.state = match left {
            0 => State::SkipLine { budget, room },
            left => State::SkipLiteral { left, budget },
        };
        (left == 0).then_some(None)
    }

    /// Reads over a line, of which only the end is kept: it may announce another literal.
    fn skip_line(&mut self, input: &mut &[u8], budget: u64, room: usize) -> Option<Option<Event<'static>>> {
        let line_feed = input.iter().position(|byte| *byte == b'\n');
        let taken = line_feed.map_or(input.len(), |position| position + 1);
        let Some(room) = room.checked_sub(taken) else {
            self.buffer.clear();
            return Some(Some(self.close(WireError::LineTooLong)));
        };
        self.state = State::SkipLine { budget, room };
        self.keep_end(take(input, taken));
        line_feed?;
        let header = trailing_literal(&self.buffer).filter(|literal| !literal.synchronising);
        self.reset();
        let Some(literal) = header else {
            return Some(None);
        };
        match self.skip(literal.bytes, budget) {
            Recovery::Resume => Some(None),
            Recovery::Close => Some(Some(self.close(WireError::LiteralTooLarge))),
        }
    }

    /// Keeps as much of the line's end as a literal's header may take.
    fn keep_end(&mut self, bytes: &[u8]) {
        let spare = bytes.len().saturating_sub(HEADER_BYTES_MAX);
        self.buffer
            .extend_from_slice(bytes.get(spare..).unwrap_or_default());
        let excess = self.buffer.len().saturating_sub(HEADER_BYTES_MAX);
        self.buffer.drain(..excess);
    }

    fn close(&mut self, error: WireError) -> Event<'static> {
        let tag = self.tag();
        self.reset();
        self.state = State::Closed;
        Event::Rejected(Rejection {
            tag,
            error,
            recovery: Recovery::Close,
        })
    }

    /// The tag of the command under way. A line that is no command has none: it may be a password.
    fn tag(&mut self) -> Option<Tag> {
        match self.state {
            State::Line => None,
            _ => self.append_tag.take().or_else(|| parse::tag_of(&self.buffer)),
        }
    }

    /// Gives the buffer away, so that an idle session owns none.
    fn take_frame(&mut self) -> Frame {
        let bytes = mem::take(&mut self.buffer);
        self.reset();
        Frame(bytes)
    }

    fn reset(&mut self) {
        self.buffer = Zeroizing::new(Vec::new());
        self.line_start = 0;
        self.append_tag = None;
        self.state = State::Command;
    }
}

/// Splits the first `length` bytes off `input`.
fn take<'i>(input: &mut &'i [u8], length: usize) -> &'i [u8] {
    let (taken, rest) = input.split_at_checked(length).unwrap_or((input, &[]));
    *input = rest;
    taken
}

/// Finds the header of a literal at the end of a line. What stands before it may be anything: a line
/// that ends so can go on in no other way.
fn trailing_literal(line: &[u8]) -> Option<Literal> {
    if !line.ends_with(b"}\r\n") {
        return None;
    }
    let brace = line.iter().rposition(|byte| *byte == b'{')?;
    let start = match brace.checked_sub(1) {
        Some(before) if line.get(before) == Some(&b'~') => before,
        _ => brace,
    };
    parse::literal_header(line.get(start..)?)
        .ok()
        .filter(|(rest, _)| rest.is_empty())
        .map(|(_, literal)| literal)
}

/// NUL, a CR without LF and a LF without CR are refused wherever they stand in a line.
fn check_line(line: &[u8]) -> Result<(), WireError> {
    let Some(text) = line.strip_suffix(b"\r\n") else {
        return Err(WireError::BareLineFeed);
    };
    if text.contains(&0) {
        return Err(WireError::Nul);
    }
    if text.contains(&b'\r') {
        Err(WireError::BareCarriageReturn)
    } else {
        Ok(())
    }
}

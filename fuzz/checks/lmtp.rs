//! Reads the client's side of a whole LMTP session, as a server does, and checks on the way what must
//! hold for any bytes. The fuzz target and the corpus test of the crate include this file.

use bytes::{Buf, BytesMut};
use lmtp_wire::{Command, CommandError, DataDecoder, DataProgress, Line, LineFramer};

/// Short, so that small inputs reach the limit.
const LINE_BYTES_MAX: usize = 512;

/// What a server would have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Command(Command),
    Refused(CommandError),
    Message(Vec<u8>),
}

/// Returns the events of a session whose bytes arrive in these pieces.
pub fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut reader = Reader::default();
    for piece in pieces {
        reader.input.extend_from_slice(piece);
        while reader.advance() {}
        assert!(reader.input.len() < LINE_BYTES_MAX, "what waits is bounded");
    }
    reader.events
}

/// Checks that the session is the same however its bytes are cut, and that what was understood can be
/// said again.
pub fn check(bytes: &[u8]) -> Vec<Event> {
    let whole = events([bytes]);
    assert_eq!(events(bytes.chunks(1)), whole, "byte by byte");
    assert_eq!(events(bytes.chunks(7)), whole, "seven at a time");
    for event in &whole {
        match event {
            Event::Command(command) => {
                assert_eq!(
                    Command::parse(command.to_string().as_bytes()).as_ref(),
                    Ok(command)
                );
            }
            Event::Refused(error) => assert!(error.reply().to_string().starts_with('5')),
            Event::Message(message) => check_line_ends(message),
        }
    }
    whole
}

fn check_line_ends(message: &[u8]) {
    let text = String::from_utf8_lossy(message).replace("\r\n", "");
    assert!(!text.contains(['\r', '\n']), "only CRLF ends a line");
}

struct Reader {
    input: BytesMut,
    framer: LineFramer,
    data: Option<(DataDecoder, Vec<u8>)>,
    events: Vec<Event>,
}

impl Default for Reader {
    fn default() -> Self {
        let framer = LineFramer::new(LINE_BYTES_MAX);
        Self {
            input: BytesMut::new(),
            framer,
            data: None,
            events: Vec::new(),
        }
    }
}

impl Reader {
    /// Takes one thing off the input; false when more bytes are needed.
    fn advance(&mut self) -> bool {
        match self.data.take() {
            Some((decoder, message)) => self.advance_data(decoder, message),
            None => self.advance_line(),
        }
    }

    fn advance_data(&mut self, mut decoder: DataDecoder, mut message: Vec<u8>) -> bool {
        match decoder.decode(&self.input, &mut message) {
            DataProgress::More => {
                self.input.clear();
                self.data = Some((decoder, message));
                false
            }
            DataProgress::Finished { consumed } => {
                self.input.advance(consumed);
                self.events.push(Event::Message(message));
                true
            }
        }
    }

    fn advance_line(&mut self) -> bool {
        let event = match self.framer.next_line(&mut self.input) {
            Line::Incomplete => return false,
            Line::Refused(error) => Event::Refused(error),
            Line::Complete(line) => Command::parse(&line).map_or_else(Event::Refused, Event::Command),
        };
        if event == Event::Command(Command::Data) {
            self.data = Some((DataDecoder::new(), Vec::new()));
        }
        self.events.push(event);
        true
    }
}

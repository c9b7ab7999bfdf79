//! The client at the other end: what it sends, cut into commands, and what is sent to it.

use std::io;

use imap_wire::command::{Append, AppendMessage};
use imap_wire::frame::{Event, Frame, Framer, Rejection};

use super::transport::Transport;

/// The connection's transport with the framer that understands what comes in.
pub(crate) struct Client {
    pub(crate) transport: Transport,
    pub(crate) framer: Framer,
}

/// What a client sent: [`Event`] with its octets in own memory.
#[derive(Debug)]
pub(crate) enum Input {
    Command(Frame),
    Line(Frame),
    Append(Append),
    Body(Vec<u8>),
    BodyEnd { nul: bool },
    AppendAnother(AppendMessage),
    AppendEnd,
    Rejected(Rejection),
}

impl Client {
    /// Waits for what the client sends next, having sent what it is owed. May be dropped while it
    /// waits without losing anything.
    pub(crate) async fn next(&mut self) -> io::Result<Input> {
        loop {
            if let Some(input) = self.understood() {
                return Ok(input);
            }
            self.transport.flush().await?;
            self.transport.give_back_buffers();
            if self.transport.read_more().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Returns what can be understood without reading more.
    fn understood(&mut self) -> Option<Input> {
        loop {
            let framer = &mut self.framer;
            let input = match self.transport.consume(|rest| framer.advance(rest))? {
                Event::Continue => {
                    self.transport.output().extend_from_slice(b"+ OK\r\n");
                    continue;
                }
                Event::Command(frame) => Input::Command(frame),
                Event::Line(line) => Input::Line(line),
                Event::Append(append) => Input::Append(append),
                Event::Body(bytes) => Input::Body(bytes.to_vec()),
                Event::BodyEnd { nul } => Input::BodyEnd { nul },
                Event::AppendAnother(message) => Input::AppendAnother(message),
                Event::AppendEnd => Input::AppendEnd,
                Event::Rejected(rejection) => Input::Rejected(rejection),
            };
            return Some(input);
        }
    }
}

//! Delivery over LMTP (RFC 2033), recorded for each recipient.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

use history::{Command, Outcome, Record};
use rand::Rng;
use rand::rngs::StdRng;

use super::client::Door;
use super::journal::Journal;
use super::message::Message;
use super::worker::Place;
use crate::wait;

/// Delivers messages to several accounts at once.
#[derive(Debug)]
pub struct Postman {
    name: String,
    accounts: Vec<String>,
    doors: Vec<Door>,
    journal: Journal,
    made: u64,
}

impl Postman {
    pub fn new(client: &str, place: &Place<'_>) -> Self {
        Self {
            name: format!("{client}-lmtp"),
            accounts: place.accounts.to_vec(),
            doors: place.doors.to_vec(),
            journal: place.journal.clone(),
            made: 0,
        }
    }

    /// Delivers a message to some of the accounts, each once, over a connection of its own.
    pub fn deliver(&mut self, random: &mut StdRng) {
        self.made += 1;
        let message = Message::make(&format!("lmtp-{}-{}", self.name, self.made), 100);
        let mut accounts = self.accounts.clone();
        accounts.retain(|_| random.random_bool(0.7));
        let door = random.random_range(0..self.doors.len().max(1));
        let Some(door) = self.doors.get(door).cloned() else {
            return;
        };
        if accounts.is_empty() {
            return;
        }
        let begin = self.journal.now();
        let mut answers = Vec::new();
        // Nothing was sent when there is nobody to send to.
        let Ok(stream) = TcpStream::connect_timeout(&door.access.lmtp, wait::LIMIT) else {
            return;
        };
        // What was not answered is told by how many answers there are.
        drop(talk(stream, &accounts, &message.bytes, &mut answers));
        for (at, account) in accounts.iter().enumerate() {
            let (outcome, code) = match answers.get(at) {
                Some(reply) if reply.starts_with('2') => (Outcome::Ok, None),
                // A passing failure may be one whose outcome is not known.
                Some(reply) if reply.starts_with('4') => (Outcome::No, Some("UNAVAILABLE".to_owned())),
                Some(_) => (Outcome::No, None),
                None => (Outcome::Unknown, None),
            };
            self.journal.add(Record {
                process: self.name.clone(),
                session: u32::try_from(self.made).unwrap_or(u32::MAX),
                via_proxy: door.name.clone(),
                tag: at.to_string(),
                account: account.clone(),
                mailbox: None,
                uid_validity_known: None,
                command: Command::Deliver {
                    token: message.token.clone(),
                    hash: message.content.hash.clone(),
                    size: 0,
                },
                t_invoke: begin,
                t_complete: self.journal.now(),
                outcome,
                resp_code: code,
                untagged: Vec::new(),
            });
        }
    }
}

/// Sends a message and takes the reply of each recipient that comes.
fn talk(stream: TcpStream, accounts: &[String], message: &[u8], answers: &mut Vec<String>) -> io::Result<()> {
    stream.set_read_timeout(Some(wait::LIMIT))?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    reply(&mut reader)?;
    writer.write_all(b"LHLO chaos\r\n")?;
    reply(&mut reader)?;
    writer.write_all(b"MAIL FROM:<ada@example.net>\r\n")?;
    reply(&mut reader)?;
    let mut taken = Vec::new();
    for account in accounts {
        writer.write_all(format!("RCPT TO:<{account}>\r\n").as_bytes())?;
        let answer = reply(&mut reader)?;
        taken.push(answer.starts_with('2').then_some(()).ok_or(answer));
    }
    let mut answer = String::new();
    if taken.iter().any(Result::is_ok) {
        writer.write_all(b"DATA\r\n")?;
        answer = reply(&mut reader)?;
    }
    let goes_on = answer.starts_with('3');
    if goes_on {
        writer.write_all(message)?;
        writer.write_all(b".\r\n")?;
    }
    for recipient in taken {
        // One reply for each recipient that was taken, in their order (RFC 2033 §4.2).
        let answer = match recipient {
            Ok(()) if goes_on => reply(&mut reader)?,
            Ok(()) => answer.clone(),
            Err(refusal) => refusal,
        };
        answers.push(answer);
    }
    writer.write_all(b"QUIT\r\n")
}

/// Returns the last line of a reply.
fn reply(reader: &mut impl BufRead) -> io::Result<String> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line);
        }
    }
}

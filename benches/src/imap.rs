//! An IMAP client that counts instead of keeping: it sends commands and tallies what comes back.

use anyhow::{bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncWriteExt, WriteHalf};

use crate::reader::{Reader, literal_length};
use crate::stream::Stream;

/// What came back to a command.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Untagged FETCH responses.
    pub fetched: usize,
    /// Bytes inside literals.
    pub literal_bytes: usize,
    /// Untagged EXPUNGE responses, and the messages of VANISHED ones.
    pub expunged: usize,
    /// The last EXISTS.
    pub exists: Option<usize>,
    /// Numbers in untagged SEARCH responses.
    pub found: usize,
    /// MESSAGES of the last STATUS.
    pub messages: Option<usize>,
    /// The text of the tagged OK.
    pub done: String,
}

pub struct Imap {
    reader: Reader,
    writer: WriteHalf<Stream>,
    next_tag: u32,
    /// LITERAL+ of RFC 7888: a literal need not wait for the server.
    literal_plus: bool,
}

impl Imap {
    /// Reads the greeting.
    pub async fn greeted(stream: Stream) -> anyhow::Result<Self> {
        let (read, writer) = tokio::io::split(stream);
        let mut client = Self {
            reader: Reader::new(read),
            writer,
            next_tag: 0,
            literal_plus: false,
        };
        let greeting = client.reader.line().await?;
        ensure!(greeting.starts_with(b"* OK"), "greeted with {:?}", text(greeting));
        Ok(client)
    }

    pub async fn login(&mut self, user: &str, password: &str) -> anyhow::Result<()> {
        self.command(&format!("LOGIN {} {}", quoted(user), quoted(password)))
            .await?;
        Ok(())
    }

    /// Asks what the server can; literals need not wait from then on if it can do without.
    pub async fn learn(&mut self) -> anyhow::Result<()> {
        let tag = self.send("CAPABILITY").await?;
        loop {
            let line = self.reader.line().await?;
            if line.starts_with(b"* CAPABILITY") {
                self.literal_plus = memmem::find(line, b" LITERAL+").is_some();
            } else if let Some(rest) = line.strip_prefix(tag.as_bytes()) {
                ensure!(rest.starts_with(b" OK"), "CAPABILITY: {:?}", text(line));
                return Ok(());
            }
        }
    }

    /// Sends a command without literals and reads everything up to its OK; NO and BAD are errors.
    pub async fn command(&mut self, command: &str) -> anyhow::Result<Tally> {
        let tag = self.send(command).await?;
        let mut tally = Tally::default();
        self.finish(&tag, command, &mut tally).await?;
        Ok(tally)
    }

    pub async fn select(&mut self, mailbox: &str) -> anyhow::Result<usize> {
        let tally = self.command(&format!("SELECT {}", quoted(mailbox))).await?;
        tally
            .exists
            .ok_or_else(|| anyhow::anyhow!("SELECT said no EXISTS"))
    }

    /// Returns the number of messages, or nothing where there is no such mailbox.
    pub async fn messages(&mut self, mailbox: &str) -> anyhow::Result<Option<usize>> {
        let command = format!("STATUS {} (MESSAGES)", quoted(mailbox));
        match self.command(&command).await {
            Ok(tally) => Ok(tally.messages),
            Err(error) if error.is::<Refused>() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an empty mailbox of that name, whatever was there.
    pub async fn fresh(&mut self, mailbox: &str) -> anyhow::Result<()> {
        if self.messages(mailbox).await?.is_some() {
            self.command(&format!("DELETE {}", quoted(mailbox))).await?;
        }
        self.command(&format!("CREATE {}", quoted(mailbox))).await?;
        Ok(())
    }

    pub async fn append(&mut self, mailbox: &str, message: &[u8]) -> anyhow::Result<()> {
        let tag = self.tag();
        let plus = if self.literal_plus { "+" } else { "" };
        let mut start =
            format!("{tag} APPEND {} {{{}{plus}}}\r\n", quoted(mailbox), message.len()).into_bytes();
        if !self.literal_plus {
            self.write(&start).await?;
            self.invited().await?;
            start.clear();
        }
        start.extend_from_slice(message);
        start.extend_from_slice(b"\r\n");
        self.write(&start).await?;
        self.finish(&tag, "APPEND", &mut Tally::default()).await
    }

    /// Appends `count` messages without waiting for one answer before sending the next, where the server takes
    /// literals so.
    pub async fn fill(
        &mut self,
        mailbox: &str,
        count: usize,
        message: impl Fn(usize) -> Vec<u8>,
    ) -> anyhow::Result<()> {
        if !self.literal_plus {
            for number in 0..count {
                self.append(mailbox, &message(number)).await?;
            }
            return Ok(());
        }
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        let send = async {
            for number in 0..count {
                let body = message(number);
                let start = format!("p{number} APPEND {} {{{}+}}\r\n", quoted(mailbox), body.len());
                let command = [start.as_bytes(), &body, b"\r\n"].concat();
                writer.write_all(&command).await?;
            }
            writer.flush().await?;
            anyhow::Ok(())
        };
        let receive = async {
            let mut done = 0;
            while done < count {
                let line = reader.line().await?;
                if line.starts_with(b"p") {
                    ensure!(memmem::find(line, b" OK ").is_some(), "APPEND: {:?}", text(line));
                    done += 1;
                }
            }
            anyhow::Ok(())
        };
        tokio::try_join!(send, receive)?;
        Ok(())
    }

    /// Begins to idle (RFC 2177) and returns once the server does.
    pub async fn idle(&mut self) -> anyhow::Result<()> {
        self.send("IDLE").await?;
        self.invited().await?;
        self.reader.release();
        Ok(())
    }

    /// While idling, reads up to an EXISTS of at least `count`.
    pub async fn told_of(&mut self, count: usize) -> anyhow::Result<()> {
        loop {
            let mut tally = Tally::default();
            let line = self.reader.line().await?;
            tally.count(line);
            if tally.exists.is_some_and(|exists| exists >= count) {
                return Ok(());
            }
        }
    }

    pub async fn logout(mut self) -> anyhow::Result<()> {
        self.command("LOGOUT").await?;
        Ok(())
    }

    fn tag(&mut self) -> String {
        self.next_tag += 1;
        format!("a{}", self.next_tag)
    }

    async fn send(&mut self, command: &str) -> anyhow::Result<String> {
        let tag = self.tag();
        self.write(format!("{tag} {command}\r\n").as_bytes()).await?;
        Ok(tag)
    }

    async fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.writer.write_all(bytes).await?;
        self.writer.flush().await?;
        Ok(())
    }

    /// Reads up to a continuation request.
    async fn invited(&mut self) -> anyhow::Result<()> {
        loop {
            let line = self.reader.line().await?;
            match line.first() {
                Some(b'+') => return Ok(()),
                Some(b'*') => {}
                _ => bail!("instead of a continuation: {:?}", text(line)),
            }
        }
    }

    async fn finish(&mut self, tag: &str, command: &str, tally: &mut Tally) -> anyhow::Result<()> {
        loop {
            let line = self.reader.line().await?;
            if let Some(rest) = line
                .strip_prefix(tag.as_bytes())
                .and_then(|rest| rest.strip_prefix(b" "))
            {
                let rest = text(rest);
                if !rest.starts_with("OK") {
                    let verb = command.split(' ').next().unwrap_or_default().to_owned();
                    return Err(Refused { verb, answer: rest }.into());
                }
                tally.done = rest;
                return Ok(());
            }
            tally.count(line);
            let mut literal = literal_length(line);
            while let Some(length) = literal {
                tally.literal_bytes += length;
                self.reader.skip(length).await?;
                literal = literal_length(self.reader.line().await?);
            }
        }
    }
}

/// A NO or a BAD.
#[derive(Debug)]
pub struct Refused {
    verb: String,
    answer: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} was answered {}", self.verb, self.answer)
    }
}

impl std::error::Error for Refused {}

impl Tally {
    fn count(&mut self, line: &[u8]) {
        let Some(rest) = line.strip_prefix(b"* ") else {
            return;
        };
        let word_end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        let (first, rest) = rest.split_at(word_end);
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        match (number(first), first) {
            (Some(_), _) if rest.starts_with(b"FETCH ") => self.fetched += 1,
            (Some(_), _) if rest == b"EXPUNGE" => self.expunged += 1,
            (Some(count), _) if rest == b"EXISTS" => self.exists = Some(count),
            (None, b"SEARCH") => {
                let numbers = rest.split(|byte| *byte == b' ');
                self.found += numbers.filter(|word| number(word).is_some()).count();
            }
            (None, b"STATUS") => self.messages = after(rest, b"MESSAGES "),
            _ => {}
        }
    }
}

fn number(word: &[u8]) -> Option<usize> {
    let first = word.first()?;
    if !first.is_ascii_digit() {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn after(line: &[u8], word: &[u8]) -> Option<usize> {
    let at = memmem::find(line, word)? + word.len();
    let rest = line.get(at..)?;
    let end = rest
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(rest.len());
    number(rest.get(..end)?)
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_counted() {
        let mut tally = Tally::default();
        for line in [
            "* 3 FETCH (FLAGS ())",
            "* 4 FETCH (BODY[] {12}",
            "* 17 EXISTS",
            "* 2 EXPUNGE",
            "* SEARCH 1 2 30",
            "* STATUS \"a MESSAGES\" (MESSAGES 8 UNSEEN 2)",
            "* OK [UIDNEXT 5] next",
        ] {
            tally.count(line.as_bytes());
        }
        let expected = Tally {
            fetched: 2,
            expunged: 1,
            exists: Some(17),
            found: 3,
            messages: Some(8),
            ..Tally::default()
        };
        assert_eq!(tally, expected);
    }
}

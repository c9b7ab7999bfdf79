//! Octets of IMAP from the client's side: responses in, commands out.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// One response, without the CRLF at its end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Response {
    /// Its text; of literals only the announcements.
    pub(crate) text: String,
    /// Its literals.
    pub(crate) literals: Vec<Vec<u8>>,
}

impl Response {
    /// Returns the number that follows a word, as in `UID 7`.
    pub(crate) fn number_after(&self, word: &str) -> Option<u32> {
        self.word_after(word)?.parse().ok()
    }

    /// Returns the word that follows another, up to a space or bracket.
    pub(crate) fn word_after(&self, word: &str) -> Option<&str> {
        let mut found = self.text.match_indices(word);
        let start = found.find_map(|(at, _)| {
            let whole = at == 0 || self.text.get(..at)?.ends_with([' ', '(', '[']);
            whole.then_some(at + word.len())
        })?;
        let rest = self.text.get(start..)?.strip_prefix(' ')?;
        rest.split([' ', ')', ']']).next()
    }

    /// Returns number and kind of an untagged response such as `* 3 EXISTS`.
    pub(crate) fn numbered(&self) -> Option<(u32, &str)> {
        let (number, rest) = self.text.strip_prefix("* ")?.split_once(' ')?;
        Some((number.parse().ok()?, rest.split([' ', '(']).next()?))
    }
}

/// One connection, from the client's side.
pub(crate) struct Wire {
    stream: DuplexStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: DuplexStream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends octets. Whether they could be sent shows when the answer is read.
    pub(crate) async fn send(&mut self, octets: &[u8]) {
        drop(self.stream.write_all(octets).await);
    }

    /// Returns the next response, or `None` at the end of the connection. May be dropped and called again.
    pub(crate) async fn response(&mut self) -> Option<Response> {
        loop {
            if let Some((response, length)) = take(&self.buffer) {
                self.buffer.drain(..length);
                return Some(response);
            }
            let mut space = [0; 4096];
            let read = self.stream.read(&mut space).await.ok().filter(|read| *read > 0)?;
            self.buffer.extend_from_slice(space.get(..read)?);
        }
    }
}

/// Returns the first whole response of the octets, and its length.
fn take(octets: &[u8]) -> Option<(Response, usize)> {
    let mut response = Response::default();
    let mut at = 0;
    loop {
        let rest = octets.get(at..)?;
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        response.text.push_str(&String::from_utf8_lossy(rest.get(..end)?));
        at += end + 2;
        let Some(length) = announced(&response.text) else {
            return Some((response, at));
        };
        response.literals.push(octets.get(at..at + length)?.to_vec());
        at += length;
    }
}

/// Returns the length of the literal that a text announces at its end.
fn announced(text: &str) -> Option<usize> {
    let (_, length) = text.strip_suffix('}')?.rsplit_once('{')?;
    length.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_cut_at_their_ends_and_keep_their_literals() {
        let octets = b"* 3 FETCH (UID 7 BODY[] {4}\r\na\r\nb FLAGS ())\r\nA1 OK";
        let (response, length) = take(octets).expect("a response");
        assert_eq!(response.text, "* 3 FETCH (UID 7 BODY[] {4} FLAGS ())");
        assert_eq!(response.literals, [b"a\r\nb".to_vec()]);
        assert_eq!(response.number_after("UID"), Some(7));
        assert_eq!(response.numbered(), Some((3, "FETCH")));
        assert_eq!(take(octets.get(length..).expect("the rest")), None);
        assert_eq!(take(&octets[..30]), None);
    }

    #[test]
    fn words_are_found_whole() {
        let response = Response {
            text: "* OK [UIDVALIDITY 17] UIDs valid".to_owned(),
            ..Response::default()
        };
        assert_eq!(response.number_after("UIDVALIDITY"), Some(17));
        assert_eq!(response.word_after("VALIDITY"), None);
    }
}

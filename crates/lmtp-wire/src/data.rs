//! The mail data behind DATA: where it ends, and what the sender meant.

/// How far the data has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataProgress {
    /// More is to come; all input was used.
    More,
    /// The end was found. Input behind the first `consumed` bytes is not data but commands.
    Finished {
        /// Bytes of this input that belong to the data, its end included.
        consumed: usize,
    },
}

/// Takes the dots out of mail data (RFC 5321 §4.5.2), piece by piece and without keeping any of it.
///
/// Only CRLF "." CRLF ends the data. Servers that also believed LF "." LF, or CR "." CR, could be made
/// to see two messages where the sender's server saw one (CVE-2023-51764 and its kin).
///
/// RFC 5321 §2.3.8 forbids CR and LF other than together, yet they occur. They are not ends of lines
/// here: no dot is taken out behind them. In the output each becomes CRLF, a run of CRs before LF
/// being one, so that what is stored has one kind of line end; the decoder counts them, and a caller
/// that wants to be strict refuses the message (550 5.6.0) when the count is not zero.
#[derive(Debug, Clone, Default)]
pub struct DataDecoder {
    state: State,
    bare_line_ends: u64,
}

/// What the bytes before the next one were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// CRLF, or nothing.
    #[default]
    LineStart,
    /// "." at the start of a line; not passed on.
    Dot,
    /// "." CR at the start of a line; neither passed on.
    DotCr,
    /// Something within a line.
    Text,
    /// CR, not passed on yet.
    Cr,
    /// The end of the data.
    End,
}

impl DataDecoder {
    /// Returns a decoder that stands before the first byte of the data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes `input` and appends what the sender meant to `output`, at most twice as long. After
    /// [`DataProgress::Finished`] it uses no further input.
    pub fn decode(&mut self, input: &[u8], output: &mut Vec<u8>) -> DataProgress {
        let mut rest = input;
        while self.state != State::End {
            if self.state == State::Text {
                let plain = rest
                    .iter()
                    .position(|&b| b == b'\r' || b == b'\n')
                    .unwrap_or(rest.len());
                let (text, behind) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
                output.extend_from_slice(text);
                rest = behind;
            }
            let Some((&byte, behind)) = rest.split_first() else {
                return DataProgress::More;
            };
            self.state = self.step(byte, output);
            rest = behind;
        }
        DataProgress::Finished {
            consumed: input.len() - rest.len(),
        }
    }

    /// Returns the number of CRs and LFs so far that stood alone.
    pub fn bare_line_ends(&self) -> u64 {
        self.bare_line_ends
    }

    fn step(&mut self, byte: u8, output: &mut Vec<u8>) -> State {
        match (self.state, byte) {
            (State::LineStart, b'.') => State::Dot,
            (State::Dot, b'\r') => State::DotCr,
            (State::DotCr, b'\n') => State::End,
            (State::Cr, b'\n') => {
                output.extend_from_slice(b"\r\n");
                State::LineStart
            }
            // The line was "." CR and goes on: the dot is gone, the CR counts.
            (State::Cr | State::DotCr, _) => self.after_bare_cr(byte, output),
            (State::LineStart | State::Dot | State::Text, _) => self.within_line(byte, output),
            (State::End, _) => State::End,
        }
    }

    fn after_bare_cr(&mut self, byte: u8, output: &mut Vec<u8>) -> State {
        self.bare_line_ends += 1;
        if byte == b'\r' {
            return State::Cr;
        }
        output.extend_from_slice(b"\r\n");
        self.within_line(byte, output)
    }

    fn within_line(&mut self, byte: u8, output: &mut Vec<u8>) -> State {
        match byte {
            b'\r' => State::Cr,
            b'\n' => {
                self.bare_line_ends += 1;
                output.extend_from_slice(b"\r\n");
                State::Text
            }
            _ => {
                output.push(byte);
                State::Text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes the chunks and returns the output, the input left over, and the count of bare ends;
    /// nothing if the end was not found.
    fn decode(chunks: &[&[u8]]) -> Option<(Vec<u8>, Vec<u8>, u64)> {
        let (mut decoder, mut output) = (DataDecoder::new(), Vec::new());
        for (index, chunk) in chunks.iter().enumerate() {
            if let DataProgress::Finished { consumed } = decoder.decode(chunk, &mut output) {
                let rest = [&[&chunk[consumed..]], &chunks[index + 1..]].concat().concat();
                return Some((output, rest, decoder.bare_line_ends()));
            }
        }
        None
    }

    fn check(input: &str, output: &str, rest: &str, bare: u64) {
        let expected = (output.as_bytes().to_vec(), rest.as_bytes().to_vec(), bare);
        assert_eq!(decode(&[input.as_bytes()]), Some(expected), "{input:?}");
    }

    /// RFC 5321 §4.5.2.
    #[test]
    fn dots_are_taken_out_and_the_end_is_found() {
        check(".\r\n", "", "", 0);
        check("a\r\n.\r\n", "a\r\n", "", 0);
        check("a\r\n..\r\n.\r\n", "a\r\n.\r\n", "", 0);
        check("..a\r\n.b\r\n.\r\n", ".a\r\nb\r\n", "", 0);
        check("a.\r\n.\r\nQUIT\r\n", "a.\r\n", "QUIT\r\n", 0);
        check("\r\n\r\n.\r\n.\r\n", "\r\n\r\n", ".\r\n", 0);
    }

    /// Every variant of the end but the true one, as in the smuggling reports of 2023.
    #[test]
    fn nothing_else_ends_the_data() {
        for end in [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r.\r\n",
            "\r\n.\r",
            "\n.\r",
            "\r.\n",
            "\r\n.\r\r\n",
            "\r\n.\n\r\n",
            "\r\n..\r\n",
            "\r\n.\0\r\n",
            "\r\n\0.\r\n",
            "\n\r\n\n.\r\n",
        ] {
            let smuggled = format!("a{end}MAIL FROM:<evil@example.org>\r\n");
            assert_eq!(decode(&[smuggled.as_bytes()]), None, "{end:?}");
        }
    }

    #[test]
    fn line_ends_become_crlf_and_are_counted() {
        check("a\nb\r\n.\r\n", "a\r\nb\r\n", "", 1);
        check("a\rb\r\n.\r\n", "a\r\nb\r\n", "", 1);
        check("a\r\r\nb\r\n.\r\n", "a\r\nb\r\n", "", 1);
        check("a\n\nb\r\n.\r\n", "a\r\n\r\nb\r\n", "", 2);
        check("\n.\n\r\n.\r\n", "\r\n.\r\n\r\n", "", 2);
        check("\r\n.\n\r\n.\r\n", "\r\n\r\n\r\n", "", 1);
        check("\r\n.\rb\r\n.\r\n", "\r\n\r\nb\r\n", "", 1);
        check("a\r\n.\r\r\n.\r\n", "a\r\n\r\n", "", 1);
    }

    #[test]
    fn nothing_is_used_behind_the_end() {
        let (mut decoder, mut output) = (DataDecoder::new(), Vec::new());
        assert_eq!(
            decoder.decode(b".\r\nNOOP", &mut output),
            DataProgress::Finished { consumed: 3 }
        );
        assert_eq!(
            decoder.decode(b"NOOP", &mut output),
            DataProgress::Finished { consumed: 0 }
        );
        assert_eq!(output, b"");
    }

    /// What RFC 5321 §4.5.2 tells a sender to do.
    fn stuff(message: &str) -> String {
        let lines = message.split_inclusive("\r\n");
        let stuffed: String = lines
            .map(|line| {
                if line.starts_with('.') {
                    format!(".{line}")
                } else {
                    line.to_owned()
                }
            })
            .collect();
        format!("{stuffed}.\r\n")
    }

    proptest! {
        #[test]
        fn what_a_sender_stuffs_comes_out_again(lines in proptest::collection::vec("[.a]{0,4}", 0..8)) {
            let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let decoded = decode(&[format!("{}NOOP", stuff(&message)).as_bytes()]);
            prop_assert_eq!(decoded, Some((message.into_bytes(), b"NOOP".to_vec(), 0)));
        }

        #[test]
        fn any_split_gives_the_same_message(
            input in "([.a\r\n]|\r\n|\r\n\\.\r\n){0,40}",
            splits in proptest::collection::vec(0usize..40, 0..8),
        ) {
            let mut at: Vec<usize> = splits.into_iter().map(|s| s.min(input.len())).collect();
            at.extend([0, input.len()]);
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|w| &input.as_bytes()[w[0]..w[1]]).collect();
            prop_assert_eq!(decode(&chunks), decode(&[input.as_bytes()]));
        }

        /// The end is exactly the first CRLF "." CRLF, the data being thought of as behind a CRLF; and
        /// the output has no line end but CRLF.
        #[test]
        fn the_end_is_the_first_true_one(input in "([.a\r\n]|\r\n|\r\n\\.\r\n){0,40}") {
            let framed = format!("\r\n{input}");
            let end = framed.find("\r\n.\r\n").map(|at| at + 3);
            let decoded = decode(&[input.as_bytes()]);
            let consumed = decoded.as_ref().map(|(_, rest, _)| input.len() - rest.len());
            prop_assert_eq!(consumed, end);
            if let Some((output, _, _)) = decoded {
                let text = String::from_utf8(output).unwrap().replace("\r\n", "");
                prop_assert!(!text.contains(['\r', '\n']));
            }
        }
    }
}

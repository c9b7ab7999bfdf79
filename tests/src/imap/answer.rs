//! What a server answers.

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It was carried out.
    Ok,
    /// It was refused.
    No,
    /// It was not understood.
    Bad,
}

/// The untagged responses of a command and its tagged one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Each untagged response without its `* `, with its literals as they came.
    pub untagged: Vec<Vec<u8>>,
    /// How the command ended.
    pub status: Status,
    /// What follows in the tagged response, as in `[READ-WRITE] done`.
    pub text: String,
}

impl Answer {
    /// Returns the untagged responses as text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let text = |line: &Vec<u8>| String::from_utf8_lossy(line).into_owned();
        self.untagged.iter().map(text).collect()
    }

    /// Returns what follows a name in the untagged responses, as in `number("EXISTS")` of `* 3 EXISTS`.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.lines().into_iter().rev().find_map(|line| {
            let (number, rest) = line.split_once(' ')?;
            (rest == name).then(|| number.parse().ok()).flatten()
        })
    }

    /// Returns the words of a response code, wherever in the answer it stands: `code("UIDVALIDITY")` of
    /// `* OK [UIDVALIDITY 17] valid` is `17`.
    #[must_use]
    pub fn code(&self, name: &str) -> Option<String> {
        let lines = self.lines();
        std::iter::once(self.text.as_str())
            .chain(lines.iter().map(String::as_str))
            .find_map(|line| {
                let (_, rest) = line.split_once(&format!("[{name}"))?;
                let (words, _) = rest.split_once(']')?;
                (words.is_empty() || words.starts_with(' ')).then(|| words.trim().to_owned())
            })
    }

    /// Returns the words of a response code that are numbers, or none of them.
    #[must_use]
    pub fn code_numbers(&self, name: &str) -> Vec<u64> {
        let code = self.code(name).unwrap_or_default();
        code.split(' ').filter_map(|word| word.parse().ok()).collect()
    }

    /// Returns the FETCH responses.
    #[must_use]
    pub fn fetched(&self) -> Vec<Fetched> {
        self.untagged
            .iter()
            .filter_map(|line| Fetched::read(line))
            .collect()
    }

    /// Returns the numbers of a SEARCH response in ascending order.
    #[must_use]
    pub fn found(&self) -> Vec<u64> {
        let lines = self.lines();
        let numbers = lines.iter().filter_map(|line| line.strip_prefix("SEARCH"));
        let mut found: Vec<u64> = numbers
            .flat_map(|line| line.split(' ').filter_map(|word| word.parse().ok()))
            .collect();
        found.sort_unstable();
        found
    }
}

/// What a FETCH response says of a message; only UID, FLAGS and literals are read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fetched {
    /// The UID, 0 when it is not in the response.
    pub uid: u64,
    /// The flags in alphabetical order, `\Recent` left out because it differs between sessions.
    pub flags: Vec<String>,
    /// The first literal or quoted body.
    pub body: Vec<u8>,
}

impl Fetched {
    fn read(line: &[u8]) -> Option<Self> {
        let (head, body) = split_literal(line);
        let text = String::from_utf8_lossy(&head).into_owned();
        let (_, items) = text.split_once(" FETCH (")?;
        Some(Self {
            uid: word_after(items, "UID ")
                .and_then(|uid| uid.parse().ok())
                .unwrap_or_default(),
            flags: flags(items),
            body,
        })
    }
}

/// Returns the word that follows a name of the list.
fn word_after<'a>(items: &'a str, name: &str) -> Option<&'a str> {
    let at = items.strip_prefix(name);
    let rest = at.or_else(|| items.split_once(&format!(" {name}")).map(|(_, rest)| rest))?;
    rest.split([' ', ')']).next()
}

fn flags(items: &str) -> Vec<String> {
    let inner = items
        .split_once("FLAGS (")
        .and_then(|(_, rest)| rest.split_once(')'));
    let words = inner.map(|(words, _)| words).unwrap_or_default();
    let mut flags: Vec<String> = words
        .split(' ')
        .filter(|flag| !flag.is_empty() && *flag != "\\Recent")
        .map(str::to_owned)
        .collect();
    flags.sort();
    flags
}

/// Takes the first literal out of a response.
fn split_literal(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let none = || (line.to_owned(), Vec::new());
    let Some(end) = line.windows(3).position(|bytes| bytes == b"}\r\n") else {
        return none();
    };
    let head = line.get(..end).unwrap_or_default();
    let Some(start) = head.iter().rposition(|byte| *byte == b'{') else {
        return none();
    };
    let digits = head.get(start + 1..).unwrap_or_default();
    let length = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse::<usize>().ok());
    let Some(length) = length else { return none() };
    let body = line.get(end + 3..end + 3 + length).unwrap_or_default();
    let rest = line.get(end + 3 + length..).unwrap_or_default();
    (
        [head.get(..start).unwrap_or_default(), rest].concat(),
        body.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(untagged: &[&str], text: &str) -> Answer {
        Answer {
            untagged: untagged.iter().map(|line| line.as_bytes().to_owned()).collect(),
            status: Status::Ok,
            text: text.to_owned(),
        }
    }

    #[test]
    fn codes_are_found_in_any_response() {
        let select = answer(&["3 EXISTS", "OK [UIDVALIDITY 17] valid"], "[READ-WRITE] done");
        assert_eq!(select.number("EXISTS"), Some(3));
        assert_eq!(select.code("UIDVALIDITY").as_deref(), Some("17"));
        assert_eq!(select.code("READ-WRITE").as_deref(), Some(""));
        assert_eq!(select.code("UIDNEXT"), None);
        let append = answer(&[], "[APPENDUID 17 4] done");
        assert_eq!(append.code_numbers("APPENDUID"), [17, 4]);
    }

    #[test]
    fn bodies_are_taken_out_of_responses() {
        let line = "1 FETCH (UID 7 BODY[] {5}\r\na)\r\nb FLAGS (\\Seen \\Recent $Work))";
        let expected = Fetched {
            uid: 7,
            flags: vec!["$Work".to_owned(), "\\Seen".to_owned()],
            body: b"a)\r\nb".to_vec(),
        };
        assert_eq!(answer(&[line, "1 EXISTS"], "").fetched(), [expected]);
    }

    #[test]
    fn found_numbers_are_sorted() {
        assert_eq!(answer(&["SEARCH 5 3"], "").found(), [3, 5]);
        assert_eq!(answer(&["SEARCH"], "").found(), [] as [u64; 0]);
    }
}

//! Untagged responses, as far as the rules look at them.

use std::collections::{BTreeMap, BTreeSet};

use crate::numbers::Numbers;

/// What identifies the bytes of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    /// The word in its `X-Chk` field; empty when it has none.
    pub token: String,
    /// Its octets.
    pub size: u64,
    /// The beginning of the SHA-256 of what follows the header, which trace fields do not change.
    pub hash: String,
}

impl Content {
    /// Returns what stands in a recorded line in the place of the octets.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"#{}/{}/{}\"", self.token, self.size, self.hash)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('#')?.split('/');
        Some(Self {
            token: parts.next()?.to_owned(),
            size: parts.next()?.parse().ok()?,
            hash: parts.next()?.to_owned(),
        })
    }
}

/// A FETCH response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fetched {
    /// The sequence number.
    pub number: u32,
    /// UID.
    pub uid: Option<u32>,
    /// FLAGS without `\Recent`.
    pub flags: Option<BTreeSet<String>>,
    /// Whether `\Recent` is among them.
    pub recent: bool,
    /// MODSEQ.
    pub modseq: Option<u64>,
    /// RFC822.SIZE.
    pub size: Option<u64>,
    /// INTERNALDATE.
    pub date: Option<String>,
    /// EMAILID (RFC 8474 §5.1).
    pub email_id: Option<String>,
    /// The whole body; something without token and size when it came as NIL or empty.
    pub body: Option<Content>,
    /// The token out of a part of the header.
    pub token: Option<String>,
}

/// An untagged response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// EXISTS.
    Exists(u32),
    /// EXPUNGE.
    Expunge(u32),
    /// VANISHED (RFC 7162 §3.2.10).
    Vanished {
        /// With `(EARLIER)`.
        earlier: bool,
        /// Which.
        uids: Numbers,
    },
    /// FETCH.
    Fetch(Box<Fetched>),
    /// SEARCH.
    Search(BTreeSet<u32>),
    /// STATUS.
    Status {
        /// The mailbox.
        name: String,
        /// What was asked.
        items: BTreeMap<String, u64>,
    },
    /// LIST, of a mailbox that can be selected.
    List(String),
    /// LSUB.
    Lsub(String),
    /// The resources of QUOTA: use and limit.
    Quota(BTreeMap<String, (u64, u64)>),
    /// A response code and its words.
    Code(String, String),
    /// BYE.
    Bye,
    /// Anything else.
    Other,
}

impl Response {
    /// Reads a response without its `* `.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        Self::read(line).unwrap_or(Self::Other)
    }

    fn read(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Ok(number) = word.parse::<u32>() {
            return match rest.split_once(' ') {
                None if rest == "EXISTS" => Some(Self::Exists(number)),
                None if rest == "EXPUNGE" => Some(Self::Expunge(number)),
                Some(("FETCH", items)) => Some(Self::Fetch(Box::new(fetched(number, items)))),
                _ => None,
            };
        }
        match word {
            "VANISHED" => {
                let earlier = rest.strip_prefix("(EARLIER) ");
                let uids = Numbers::parse(earlier.unwrap_or(rest))?;
                Some(Self::Vanished {
                    earlier: earlier.is_some(),
                    uids,
                })
            }
            "SEARCH" => {
                let numbers = rest.split('(').next().unwrap_or_default();
                let numbers = numbers.split(' ').filter_map(|word| word.parse().ok());
                Some(Self::Search(numbers.collect()))
            }
            "STATUS" => status(rest),
            "LIST" | "LSUB" => list(word, rest),
            "QUOTA" => quota(rest),
            "OK" | "NO" | "BAD" => {
                let (name, words) = code(rest)?;
                Some(Self::Code(name, words))
            }
            "BYE" => Some(Self::Bye),
            _ => None,
        }
    }
}

/// Reads the response code at the beginning of a text.
pub fn code(text: &str) -> Option<(String, String)> {
    let inner = text.strip_prefix('[')?.split(']').next()?;
    let (name, words) = inner.split_once(' ').unwrap_or((inner, ""));
    Some((name.to_owned(), words.to_owned()))
}

fn status(rest: &str) -> Option<Response> {
    let (name, items) = rest.rsplit_once(" (")?;
    let words: Vec<&str> = items.trim_end_matches(')').split(' ').collect();
    let pairs = words.chunks(2).filter_map(|pair| match pair {
        [name, value] => Some(((*name).to_owned(), value.parse().ok()?)),
        _ => None,
    });
    Some(Response::Status {
        name: unquote(name),
        items: pairs.collect(),
    })
}

fn list(word: &str, rest: &str) -> Option<Response> {
    let (attributes, rest) = rest.strip_prefix('(')?.split_once(") ")?;
    let (_, name) = rest.split_once(' ')?;
    let hidden = ["\\NonExistent", "\\Noselect"];
    let hidden = attributes
        .split(' ')
        .any(|attribute| hidden.iter().any(|word| word.eq_ignore_ascii_case(attribute)));
    Some(match (word, hidden) {
        ("LSUB", _) => Response::Lsub(unquote(name)),
        (_, false) => Response::List(unquote(name)),
        (_, true) => Response::Other,
    })
}

fn quota(rest: &str) -> Option<Response> {
    let (_, items) = rest.split_once(" (")?;
    let words: Vec<&str> = items.trim_end_matches(')').split(' ').collect();
    let resources = words.chunks(3).filter_map(|part| match part {
        [name, used, limit] => Some(((*name).to_owned(), (used.parse().ok()?, limit.parse().ok()?))),
        _ => None,
    });
    Some(Response::Quota(resources.collect()))
}

fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

fn fetched(number: u32, items: &str) -> Fetched {
    let mut fetched = Fetched {
        number,
        ..Fetched::default()
    };
    let mut rest = items.strip_prefix('(').unwrap_or(items);
    while let Some((name, value, behind)) = item(rest) {
        rest = behind;
        let bare = unquote(value);
        let inner = value.trim_matches(['(', ')']);
        match name {
            "UID" => fetched.uid = bare.parse().ok(),
            "FLAGS" => {
                let flags = inner.split(' ').filter(|flag| !flag.is_empty());
                let mut flags: BTreeSet<String> = flags.map(str::to_owned).collect();
                fetched.recent = flags.remove("\\Recent");
                fetched.flags = Some(flags);
            }
            "MODSEQ" => fetched.modseq = inner.parse().ok(),
            "RFC822.SIZE" => fetched.size = bare.parse().ok(),
            "INTERNALDATE" => fetched.date = Some(bare),
            "EMAILID" => fetched.email_id = Some(inner.to_owned()),
            "BODY[]" => {
                let nothing = || Content {
                    token: String::new(),
                    size: 0,
                    hash: String::new(),
                };
                fetched.body = Some(Content::parse(&bare).unwrap_or_else(nothing));
            }
            name if name.starts_with("BODY[HEADER") => {
                fetched.token = Content::parse(&bare).map(|content| content.token);
            }
            _ => {}
        }
    }
    fetched
}

/// Takes a name and its value off a list of items.
fn item(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start();
    // The names of body sections hold spaces in brackets.
    let section = text
        .find('[')
        .filter(|at| !text.get(..*at).unwrap_or_default().contains(' '));
    let name_end = match section {
        Some(at) => at + text.get(at..)?.find(']')? + 1,
        None => text.find(' ')?,
    };
    let (name, rest) = (text.get(..name_end)?, text.get(name_end..)?.strip_prefix(' ')?);
    let value_end = match rest.as_bytes().first()? {
        b'(' => rest.find(')')? + 1,
        b'"' => rest.get(1..)?.find('"')? + 2,
        _ => rest.find([' ', ')']).unwrap_or(rest.len()),
    };
    Some((name, rest.get(..value_end)?, rest.get(value_end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetch_items_are_read() {
        let line = "3 FETCH (UID 7 FLAGS (\\Seen \\Recent) MODSEQ (12) INTERNALDATE \"1-Jan-2026 00:00:00 +0000\" \
                    RFC822.SIZE 40 EMAILID (E1) BODY[HEADER.FIELDS (X-CHK)] \"#a-1/9/ff\" BODY[] \"#a-1/40/ab\")";
        let Response::Fetch(fetched) = Response::parse(line) else {
            unreachable!("a FETCH response");
        };
        assert_eq!(
            (fetched.number, fetched.uid, fetched.modseq),
            (3, Some(7), Some(12))
        );
        assert!(fetched.recent && fetched.flags.unwrap().contains("\\Seen"));
        assert_eq!(
            (fetched.size, fetched.email_id.as_deref()),
            (Some(40), Some("E1"))
        );
        assert_eq!(fetched.token.as_deref(), Some("a-1"));
        assert_eq!(fetched.body.unwrap().hash, "ab");
        assert_eq!(fetched.date.unwrap(), "1-Jan-2026 00:00:00 +0000");
    }

    #[test]
    fn a_body_that_is_missing_is_an_empty_one() {
        let Response::Fetch(fetched) = Response::parse("1 FETCH (BODY[] NIL UID 2)") else {
            unreachable!("a FETCH response");
        };
        assert_eq!(fetched.uid, Some(2));
        assert_eq!(fetched.body.unwrap().size, 0);
    }

    #[test]
    fn other_responses_are_read() {
        let vanished = Response::Vanished {
            earlier: true,
            uids: Numbers::parse("1:2").unwrap(),
        };
        assert_eq!(Response::parse("VANISHED (EARLIER) 1:2"), vanished);
        assert_eq!(
            Response::parse("SEARCH 1 3 (MODSEQ 9)"),
            Response::Search([1, 3].into())
        );
        let code = Response::Code("UIDNEXT".to_owned(), "4".to_owned());
        assert_eq!(Response::parse("OK [UIDNEXT 4] next"), code);
        assert_eq!(
            Response::parse("LIST (\\HasChildren) \"/\" a/b"),
            Response::List("a/b".to_owned())
        );
        assert_eq!(Response::parse("LIST (\\NonExistent) \"/\" a"), Response::Other);
        let Response::Status { name, items } = Response::parse("STATUS \"a b\" (MESSAGES 2 UIDNEXT 3)")
        else {
            unreachable!("a STATUS response");
        };
        assert_eq!((name.as_str(), items.get("UIDNEXT")), ("a b", Some(&3)));
        let Response::Quota(resources) = Response::parse("QUOTA \"\" (STORAGE 1 9 MESSAGE 2 3)") else {
            unreachable!("a QUOTA response");
        };
        assert_eq!(resources.get("MESSAGE"), Some(&(2, 3)));
    }
}

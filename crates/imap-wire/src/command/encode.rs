//! Commands back to bytes, as a client sends them: for tests, and for talking to other servers.
//!
//! Literals are non-synchronising (RFC 7888), so a command is one run of bytes.

use crate::command::{
    Addressing, Append, AppendMessage, BasicList, Command, CommandBody, CopyOrMove, Fetch, List, Literal,
    QResync, Select, Store, StoreAction,
};
use crate::encode::{self, LiteralForm, number};
use crate::types::{Flag, ListReturn, ListSelection, MailboxName, NameEncoding, Secret, encode_text_as};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

impl Command {
    /// Appends the command with its CRLF. [`crate::parse::command`] with the same encoding of names
    /// gives it back.
    pub fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        let spec = self.body.kind().spec();
        out.extend_from_slice(self.tag.as_str().as_bytes());
        out.extend_from_slice(match self.body.addressing() {
            Addressing::Sequence => b" ",
            Addressing::Uid => b" UID ",
        });
        out.extend_from_slice(spec.name.as_bytes());
        self.body.encode_arguments(out, names);
        out.extend_from_slice(b"\r\n");
    }
}

impl Append {
    /// Appends the command up to and with the header of its first message's literal.
    pub fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        out.extend_from_slice(self.tag.as_str().as_bytes());
        out.extend_from_slice(b" APPEND");
        mailbox(out, &self.mailbox, names);
        self.message.encode(out);
    }
}

impl AppendMessage {
    /// Appends what stands before a message's bytes, from the space on. The caller writes the bytes,
    /// then `)` if the message is UTF8, then CRLF or another message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if !self.flags.is_empty() {
            out.push(b' ');
            flags(out, &self.flags);
        }
        if let Some(date) = self.internal_date {
            out.push(b' ');
            date.encode(out);
        }
        out.extend_from_slice(if self.utf8 { b" UTF8 (".as_slice() } else { b" " });
        self.literal.encode(out);
    }
}

impl Literal {
    /// Appends the header with its CRLF.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.binary { b"~{".as_slice() } else { b"{" });
        number(out, self.bytes);
        out.extend_from_slice(if self.synchronising {
            b"}\r\n".as_slice()
        } else {
            b"+}\r\n"
        });
    }
}

impl CommandBody {
    fn encode_arguments(&self, out: &mut Vec<u8>, names: NameEncoding) {
        match self {
            Self::Capability | Self::Noop | Self::Logout | Self::StartTls | Self::Namespace => {}
            Self::Idle | Self::Check | Self::Close | Self::Unselect | Self::Expunge => {}
            Self::Id(_)
            | Self::Authenticate { .. }
            | Self::Login { .. }
            | Self::Enable(_)
            | Self::Compress(_)
            | Self::GetQuota(_)
            | Self::SetQuota { .. } => self.encode_session(out),
            Self::Select(select) | Self::Examine(select) => select.encode(out, names),
            Self::Create {
                mailbox: name,
                special_uses,
            } => {
                mailbox(out, name, names);
                if !special_uses.is_empty() {
                    out.extend_from_slice(b" (USE ");
                    encode::list(out, special_uses, |out, item| {
                        out.extend_from_slice(item.name().as_bytes())
                    });
                    out.push(b')');
                }
            }
            Self::Delete(name)
            | Self::Subscribe(name)
            | Self::Unsubscribe(name)
            | Self::GetQuotaRoot(name) => {
                mailbox(out, name, names);
            }
            Self::Rename { from, to } => {
                mailbox(out, from, names);
                mailbox(out, to, names);
            }
            Self::List(list) => list.encode(out, names),
            Self::Lsub(list) | Self::Xlist(list) => list.encode(out, names),
            Self::Status { mailbox: name, items } => {
                mailbox(out, name, names);
                out.push(b' ');
                encode::list(out, items, |out, item| {
                    out.extend_from_slice(item.name().as_bytes())
                });
            }
            Self::UidExpunge(set) => {
                out.push(b' ');
                set.encode(out);
            }
            Self::Search(search) => search.encode(out),
            Self::Fetch(fetch) => fetch.encode(out),
            Self::Store(store) => store.encode(out),
            Self::Copy(copy) | Self::Move(copy) => copy.encode(out, names),
        }
    }

    /// The arguments of commands that name no mailbox.
    fn encode_session(&self, out: &mut Vec<u8>) {
        out.push(b' ');
        match self {
            Self::Id(fields) if fields.is_empty() => encode::nil(out),
            Self::Id(fields) => encode::list(out, fields, |out, (name, value)| {
                string(out, name.as_bytes());
                out.push(b' ');
                match value {
                    Some(value) => string(out, value.as_bytes()),
                    None => encode::nil(out),
                }
            }),
            Self::Authenticate {
                mechanism,
                initial_response,
            } => {
                out.extend_from_slice(mechanism.as_str().as_bytes());
                if let Some(response) = initial_response {
                    out.push(b' ');
                    initial(out, response);
                }
            }
            Self::Login { user, password } => {
                astring(out, user);
                out.push(b' ');
                astring(out, password.expose());
            }
            Self::Enable(names) => {
                let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                out.extend_from_slice(names.join(" ").as_bytes());
            }
            Self::Compress(algorithm) => out.extend_from_slice(algorithm.as_str().as_bytes()),
            Self::GetQuota(root) => astring(out, root),
            Self::SetQuota { root, limits } => {
                astring(out, root);
                out.push(b' ');
                encode::list(out, limits, |out, (name, limit)| {
                    out.extend_from_slice(name.as_str().as_bytes());
                    out.push(b' ');
                    number(out, *limit);
                });
            }
            _ => {}
        }
    }
}

impl Select {
    fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        mailbox(out, &self.mailbox, names);
        match (&self.qresync, self.condstore) {
            (None, false) => {}
            (None, true) => out.extend_from_slice(b" (CONDSTORE)"),
            (Some(qresync), condstore) => {
                out.extend_from_slice(if condstore {
                    b" (CONDSTORE QRESYNC (".as_slice()
                } else {
                    b" (QRESYNC ("
                });
                qresync.encode(out);
                out.extend_from_slice(b"))");
            }
        }
    }
}

impl QResync {
    fn encode(&self, out: &mut Vec<u8>) {
        number(out, u64::from(self.uid_validity.0.get()));
        out.push(b' ');
        number(out, self.mod_seq.get());
        if let Some(uids) = &self.known_uids {
            out.push(b' ');
            uids.encode(out);
        }
        if let Some((numbers, uids)) = &self.sequence_match {
            out.extend_from_slice(b" (");
            numbers.encode(out);
            out.push(b' ');
            uids.encode(out);
            out.push(b')');
        }
    }
}

impl List {
    fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        let ListSelection {
            subscribed,
            remote,
            recursive_match,
            special_use,
        } = self.selection;
        if self.selection != ListSelection::default() {
            out.push(b' ');
            words(
                out,
                &[
                    (subscribed, "SUBSCRIBED"),
                    (remote, "REMOTE"),
                    (recursive_match, "RECURSIVEMATCH"),
                    (special_use, "SPECIAL-USE"),
                ],
            );
        }
        text(out, &self.reference, names);
        match self.patterns.as_slice() {
            [pattern] => text(out, pattern, names),
            patterns => {
                out.push(b' ');
                encode::list(out, patterns, |out, pattern| {
                    encode_text_as(out, pattern, names, LiteralForm::NonSynchronising);
                });
            }
        }
        if let Some(returns) = &self.returns {
            returns.encode(out);
        }
    }
}

impl ListReturn {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b" RETURN ");
        words(
            out,
            &[
                (self.subscribed, "SUBSCRIBED"),
                (self.children, "CHILDREN"),
                (self.special_use, "SPECIAL-USE"),
                (self.status.is_some(), "STATUS"),
            ],
        );
        if let Some(items) = &self.status {
            // The items stand behind STATUS, which is the last word.
            out.pop();
            out.push(b' ');
            encode::list(out, items, |out, item| {
                out.extend_from_slice(item.name().as_bytes())
            });
            out.push(b')');
        }
    }
}

impl BasicList {
    fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        text(out, &self.reference, names);
        text(out, &self.pattern, names);
    }
}

impl Fetch {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(b' ');
        self.set.encode(out);
        out.push(b' ');
        encode::list(out, &self.items, |out, item| item.encode(out));
        if let Some(value) = self.changed_since {
            out.extend_from_slice(b" (CHANGEDSINCE ");
            number(out, value.get());
            out.extend_from_slice(if self.vanished {
                b" VANISHED)".as_slice()
            } else {
                b")"
            });
        }
    }
}

impl Store {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(b' ');
        self.set.encode(out);
        if let Some(value) = self.unchanged_since {
            out.extend_from_slice(b" (UNCHANGEDSINCE ");
            number(out, value.get());
            out.push(b')');
        }
        out.extend_from_slice(match self.action {
            StoreAction::Replace => b" FLAGS".as_slice(),
            StoreAction::Add => b" +FLAGS",
            StoreAction::Remove => b" -FLAGS",
        });
        out.extend_from_slice(if self.silent { b".SILENT ".as_slice() } else { b" " });
        flags(out, &self.flags);
    }
}

impl CopyOrMove {
    fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        out.push(b' ');
        self.set.encode(out);
        mailbox(out, &self.mailbox, names);
    }
}

/// ` mailbox`
fn mailbox(out: &mut Vec<u8>, name: &MailboxName, names: NameEncoding) {
    text(out, name.as_str(), names);
}

/// ` text`, in the encoding of mailbox names.
fn text(out: &mut Vec<u8>, text: &str, names: NameEncoding) {
    out.push(b' ');
    encode_text_as(out, text, names, LiteralForm::NonSynchronising);
}

pub(super) fn astring(out: &mut Vec<u8>, value: &[u8]) {
    encode::astring_as(out, value, LiteralForm::NonSynchronising);
}

fn string(out: &mut Vec<u8>, value: &[u8]) {
    encode::string_as(out, value, LiteralForm::NonSynchronising);
}

/// RFC 4959 §3: an empty initial response is `=`.
fn initial(out: &mut Vec<u8>, response: &Secret) {
    match response.expose() {
        b"" => out.push(b'='),
        bytes => out.extend_from_slice(STANDARD.encode(bytes).as_bytes()),
    }
}

fn flags(out: &mut Vec<u8>, flags: &[Flag]) {
    encode::list(out, flags, |out, flag| flag.as_ref().encode(out));
}

/// The words that are switched on, in parentheses.
pub(super) fn words(out: &mut Vec<u8>, words: &[(bool, &str)]) {
    let chosen = words.iter().filter(|(on, _)| *on);
    encode::list(out, chosen, |out, (_, word)| {
        out.extend_from_slice(word.as_bytes())
    });
}

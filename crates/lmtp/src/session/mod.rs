//! The order of commands: a state machine without I/O. It says what the driver must do next, and takes
//! what came of it.

mod transaction;

use lmtp_wire::{
    Body, Capability, ClientName, Command, CommandError, Enhanced, MailFrom, RcptTo, Reply, ReplyCode,
    ReversePath,
};
use mailstore::address::Address;
use mailstore::ports::{Recipient, RecipientRefusal};

pub(crate) use transaction::{Accepted, Transaction};

use crate::options::LmtpOptions;
use crate::status::{Status, too_large};

/// What the driver must do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Answer.
    Reply(Reply),
    /// Look the recipient up and give [`Session::resolved`] the outcome.
    Resolve(Address),
    /// Take a message behind 354.
    Data,
    /// Take this many octets of a message (RFC 3030 §2).
    Chunk {
        /// How many follow the line.
        bytes: u64,
        /// Whether the message ends with them.
        last: bool,
    },
    /// Read over this many octets, then answer.
    Skip(u64, Reply),
    /// Answer, then begin TLS.
    StartTls(Reply),
    /// Answer, then hang up.
    Close(Reply),
}

/// What decides on answers and does not change during a connection.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) host_name: String,
    pub(crate) message_bytes_max: u64,
    pub(crate) recipients_max: usize,
    pub(crate) subaddress: bool,
    pub(crate) bad_commands_max: u32,
    pub(crate) status: Status,
    /// Whether TLS can be had.
    pub(crate) starttls: bool,
}

/// One connection's session.
#[derive(Debug)]
pub(crate) struct Session {
    rules: Rules,
    client: Option<ClientName>,
    transaction: Option<Transaction>,
    /// The recipient that is being looked up.
    pending: Option<RcptTo>,
    encrypted: bool,
    bad_commands: u32,
}

impl Rules {
    pub(crate) fn new(options: &LmtpOptions, starttls: bool) -> Self {
        Self {
            host_name: options.host_name.clone(),
            message_bytes_max: options.message_bytes_max,
            recipients_max: options.recipients_max,
            subaddress: options.subaddress,
            bad_commands_max: options.bad_commands_max,
            status: Status {
                over_quota: options.over_quota,
            },
            starttls,
        }
    }
}

impl Rules {
    /// Refuses a recipient who was found only without the detail of the address (RFC 5233), where that is not wanted.
    pub(crate) fn admit(&self, recipient: Recipient) -> Result<Recipient, RecipientRefusal> {
        match recipient.detail {
            Some(_) if !self.subaddress => Err(RecipientRefusal::Unknown),
            Some(_) | None => Ok(recipient),
        }
    }
}

impl Session {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            client: None,
            transaction: None,
            pending: None,
            encrypted: false,
            bad_commands: 0,
        }
    }

    pub(crate) fn greeting(&self) -> Reply {
        let text = format!("{} LMTP Facteur ready", self.rules.host_name);
        Reply::bare(ReplyCode::READY, &text)
    }

    /// Returns what follows a command line.
    pub(crate) fn command(&mut self, line: Result<Command, CommandError>) -> Step {
        match line {
            Ok(command) => self.understood(command),
            Err(error) => self.bad(error.reply()),
        }
    }

    fn understood(&mut self, command: Command) -> Step {
        match command {
            Command::Lhlo(client) => self.lhlo(client),
            Command::Mail(mail) => self.mail(mail),
            Command::Rcpt(rcpt) => self.rcpt(rcpt),
            Command::Data => self.data(),
            Command::Bdat { bytes, last } => self.bdat(bytes, last),
            Command::Rset => {
                self.reset();
                ok("Forgotten")
            }
            Command::Noop => ok("Still here"),
            Command::Quit => Step::Close(Reply::new(ReplyCode::CLOSING, Enhanced::OTHER, "Goodbye")),
            Command::Vrfy(_) => Step::Reply(Reply::new(
                ReplyCode::CANNOT_VERIFY,
                Enhanced::OTHER,
                "Send mail, and you will see",
            )),
            Command::Help => Step::Reply(Reply::new(
                ReplyCode::HELP,
                Enhanced::OTHER,
                "See RFC 2033 and RFC 5321",
            )),
            Command::StartTls => self.starttls(),
        }
    }

    /// RFC 2033 §4.1; as EHLO, it ends a transaction (RFC 5321 §4.1.4).
    fn lhlo(&mut self, client: ClientName) -> Step {
        self.reset();
        self.client = Some(client);
        let mut capabilities = vec![
            Capability::Pipelining,
            Capability::EnhancedStatusCodes,
            Capability::EightBitMime,
            Capability::SmtpUtf8,
            Capability::Chunking,
            Capability::Size(self.rules.message_bytes_max),
        ];
        if self.rules.starttls && !self.encrypted {
            capabilities.push(Capability::StartTls);
        }
        Step::Reply(Reply::lhlo(&self.rules.host_name, &capabilities))
    }

    fn mail(&mut self, mail: MailFrom) -> Step {
        if self.client.is_none() {
            return self.out_of_order("Say LHLO first");
        }
        if self.transaction.is_some() {
            return self.out_of_order("One message at a time");
        }
        // RFC 3030 §3: not offered, and mail that must be stored as lines cannot be any octets.
        if mail.body == Body::BinaryMime {
            return self.bad(CommandError::Parameter.reply());
        }
        if mail
            .size_bytes
            .is_some_and(|size| size > self.rules.message_bytes_max)
        {
            return Step::Reply(too_large());
        }
        let text = match mail.reverse_path {
            ReversePath::Null => "Sender of a bounce is fine",
            ReversePath::Mailbox(_) => "Sender is fine",
        };
        self.transaction = Some(Transaction::new(mail));
        Step::Reply(Reply::new(ReplyCode::OK, Enhanced::ADDRESS, text))
    }

    fn rcpt(&mut self, rcpt: RcptTo) -> Step {
        let Some(transaction) = &self.transaction else {
            return self.out_of_order("Say MAIL first");
        };
        if transaction.chunked {
            return self.out_of_order("The message has begun");
        }
        if transaction.recipients.len() >= self.rules.recipients_max {
            // RFC 5321 §4.5.3.1.10: the client sends the rest in another transaction.
            return Step::Reply(Reply::new(
                ReplyCode::INSUFFICIENT_STORAGE,
                Enhanced::TOO_MANY_RECIPIENTS,
                "Too many recipients",
            ));
        }
        let mailbox = &rcpt.forward_path.0;
        if !transaction.mail.smtputf8 && !mailbox.is_ascii() {
            return self.bad(CommandError::NeedsSmtpUtf8.reply());
        }
        let address = match mailbox.domain() {
            Some(domain) => Address::parse(&format!("{}@{domain}", mailbox.local())),
            None => Address::parse(mailbox.local()),
        };
        let Some(address) = address else {
            // A local part with space in it is a valid one, which nobody here has.
            return Step::Reply(self.rules.status.refusal(&RecipientRefusal::Unknown));
        };
        self.pending = Some(rcpt);
        Step::Resolve(address)
    }

    /// Takes the outcome of [`Step::Resolve`].
    pub(crate) fn resolved(&mut self, outcome: Result<Recipient, RecipientRefusal>) -> Reply {
        let pending = self.pending.take();
        let recipient = match outcome {
            Ok(recipient) => recipient,
            Err(refusal) => return self.rules.status.refusal(&refusal),
        };
        if let Some((transaction, rcpt)) = self.transaction.as_mut().zip(pending) {
            transaction.recipients.push(Accepted {
                path: rcpt.forward_path,
                recipient,
            });
        }
        Reply::new(ReplyCode::OK, Enhanced::RECIPIENT_VALID, "Recipient is fine")
    }

    fn data(&mut self) -> Step {
        match &self.transaction {
            None => self.out_of_order("Say MAIL first"),
            Some(transaction) if transaction.chunked => self.out_of_order("The message has begun with BDAT"),
            // RFC 2033 §4.2: 503 when no RCPT was accepted.
            Some(transaction) if transaction.recipients.is_empty() => self.no_recipients(),
            Some(_) => Step::Data,
        }
    }

    fn bdat(&mut self, bytes: u64, last: bool) -> Step {
        match &mut self.transaction {
            Some(transaction) if !transaction.recipients.is_empty() => {
                transaction.chunked = true;
                Step::Chunk { bytes, last }
            }
            // The octets follow whatever the answer is (RFC 3030 §2).
            Some(_) => skip(bytes, self.no_recipients()),
            None => skip(bytes, self.out_of_order("Say MAIL first")),
        }
    }

    /// A transaction that lost all its recipients is over only when the client says so.
    fn no_recipients(&mut self) -> Step {
        Step::Reply(Reply::new(
            ReplyCode::BAD_SEQUENCE,
            Enhanced::INVALID_COMMAND,
            "No recipient was accepted",
        ))
    }

    fn starttls(&mut self) -> Step {
        if self.encrypted {
            return self.out_of_order("TLS is in place");
        }
        if !self.rules.starttls {
            return self.bad(Reply::new(
                ReplyCode::NOT_IMPLEMENTED,
                Enhanced::INVALID_COMMAND,
                "TLS cannot be had here",
            ));
        }
        Step::StartTls(Reply::new(ReplyCode::READY, Enhanced::OTHER, "Begin TLS now"))
    }

    /// RFC 3207 §4.2: nothing that was said before TLS counts.
    pub(crate) fn secured(&mut self) {
        self.reset();
        self.client = None;
        self.encrypted = true;
    }

    /// Returns the transaction under way.
    pub(crate) fn transaction(&self) -> Option<&Transaction> {
        self.transaction.as_ref()
    }

    /// Returns how the client calls itself.
    pub(crate) fn client_name(&self) -> &str {
        self.client.as_ref().map_or("unknown", ClientName::as_str)
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Ends the transaction: it was answered or given up.
    pub(crate) fn reset(&mut self) {
        self.transaction = None;
        self.pending = None;
    }

    fn out_of_order(&mut self, text: &str) -> Step {
        self.bad(Reply::new(
            ReplyCode::BAD_SEQUENCE,
            Enhanced::INVALID_COMMAND,
            text,
        ))
    }

    /// Counts a command that no correct client sends; whoever sends many is no mail server.
    fn bad(&mut self, reply: Reply) -> Step {
        self.bad_commands += 1;
        if self.bad_commands < self.rules.bad_commands_max {
            return Step::Reply(reply);
        }
        Step::Close(Reply::new(
            ReplyCode::SERVICE_UNAVAILABLE,
            Enhanced::SECURITY,
            "Too many bad commands",
        ))
    }
}

fn ok(text: &str) -> Step {
    Step::Reply(Reply::new(ReplyCode::OK, Enhanced::OTHER, text))
}

fn skip(bytes: u64, answer: Step) -> Step {
    match answer {
        Step::Reply(reply) => Step::Skip(bytes, reply),
        other => other,
    }
}

#[cfg(test)]
mod tests;

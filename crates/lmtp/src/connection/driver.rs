//! The life of a connection: waiting, commands, messages, timers, the end. The only place of a
//! connection with a `select!`.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Buf;
use lmtp_wire::{Command, DataDecoder, DataProgress, Enhanced, Line, LineFramer, Reply, ReplyCode};
use mailstore::StoreError;
use mailstore::address::Address;
use mailstore::ports::RecipientRefusal;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::Instrument;
use tracing::field::Empty;

use super::channel::Channel;
use super::delivering::{self, Commit};
use super::incoming::{Incoming, IncomingLimits, PIECE_BYTES};
use crate::environment::TransactionName;
use crate::mail_log;
use crate::role::{Peer, Shared};
use crate::session::{Session, Step, Transaction};
use crate::status::Failure;
use crate::trace::{TRACE_BYTES_MAX, Trace};

/// Octets of a message that are decoded at one time; they become at most twice as many.
const DECODE_BYTES: usize = PIECE_BYTES / 4;

/// Why a connection ends.
#[derive(Debug)]
enum Over {
    /// The client is gone, or too slow to be told anything.
    Lost(io::Error),
    /// After this answer.
    Said(Reply),
}

impl From<io::Error> for Over {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// A connection with what surrounds it.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    channel: Channel,
    framer: LineFramer,
    session: Session,
    peer: Peer,
    /// A message that comes in chunks.
    incoming: Option<Incoming>,
}

/// What a command leaves to do.
enum Next {
    Command,
    Tls,
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, channel: Channel, peer: Peer) -> Self {
        Self {
            framer: LineFramer::new(shared.options.line_bytes_max),
            session: Session::new(shared.rules.clone()),
            shared,
            channel,
            peer,
            incoming: None,
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        let greeting = self.session.greeting();
        self.channel.reply(&greeting);
        loop {
            match self.step().await {
                Ok(Next::Command) => {}
                Ok(Next::Tls) => match Box::pin(self.secure()).await {
                    Some(secured) => self = secured,
                    None => return,
                },
                Err(Over::Said(reply)) => {
                    self.channel.reply(&reply);
                    return self.channel.close().await;
                }
                Err(Over::Lost(error)) => {
                    tracing::debug!(%error, "client is gone");
                    return;
                }
            }
        }
    }

    /// Carries out one line, or waits for more of it.
    async fn step(&mut self) -> Result<Next, Over> {
        let line = match self.framer.next_line(&mut self.channel.input) {
            Line::Incomplete => {
                self.channel.flush().await?;
                self.wait().await?;
                return Ok(Next::Command);
            }
            Line::Complete(line) => Command::parse(&line),
            Line::Refused(error) => Err(error),
        };
        let step = self.session.command(line);
        let next = self.carry_out(step).await?;
        if self.session.transaction().is_none() {
            self.incoming = None;
        }
        self.channel.flush_if_full().await?;
        Ok(next)
    }

    async fn wait(&mut self) -> Result<(), Over> {
        let shared = Arc::clone(&self.shared);
        let stopped = match self.session.transaction() {
            Some(_) => &shared.drained,
            None => &shared.shutdown,
        };
        tokio::select! {
            read = self.channel.read_more() => Ok(read?),
            () = stopped.cancelled() => Err(stopping()),
            () = sleep(shared.options.times.command_pause_max) => Err(too_slow()),
        }
    }

    async fn carry_out(&mut self, step: Step) -> Result<Next, Over> {
        match step {
            Step::Reply(reply) => self.channel.reply(&reply),
            Step::Close(reply) => return Err(Over::Said(reply)),
            Step::Resolve(address) => self.resolve(&address).await,
            Step::Data => self.data().await?,
            Step::Chunk { bytes, last } => self.chunk(bytes, last).await?,
            Step::Skip(bytes, reply) => {
                self.within_limits(async |driver| driver.receive(bytes, None).await)
                    .await?;
                self.channel.reply(&reply);
            }
            Step::StartTls(reply) => return self.begin_tls(&reply).await,
        }
        Ok(Next::Command)
    }

    async fn resolve(&mut self, address: &Address) {
        let found = timeout(
            self.shared.options.times.storage_max,
            self.shared.delivery.resolve(address),
        );
        let outcome = found.await.unwrap_or(Err(RecipientRefusal::Temporary));
        let outcome = outcome.and_then(|recipient| self.shared.rules.admit(recipient));
        let refused = outcome.is_err();
        let reply = self.session.resolved(outcome);
        self.channel.reply(&reply);
        if refused {
            let sender = self.session.transaction().map(Transaction::sender);
            mail_log::recipient(None, &sender.unwrap_or_default(), address.as_str(), &reply);
            self.shared.instruments.answered(&reply);
        }
    }

    /// RFC 3207 §4: whatever follows STARTTLS before TLS begins was not protected, and whoever put it
    /// there wants it to be taken for protected.
    async fn begin_tls(&mut self, reply: &Reply) -> Result<Next, Over> {
        if !self.channel.input.is_empty() {
            return Err(Over::Said(Reply::new(
                ReplyCode::BAD_SEQUENCE,
                Enhanced::INVALID_COMMAND,
                "Nothing may follow STARTTLS",
            )));
        }
        self.channel.reply(reply);
        self.channel.flush().await?;
        Ok(Next::Tls)
    }

    async fn secure(mut self) -> Option<Self> {
        let server = self.shared.starttls.clone()?;
        let times = self.channel.times.clone();
        let handshake = server.accept(self.channel.into_stream(), times.handshake_max);
        match handshake.await {
            Ok(stream) => {
                self.session.secured();
                let instruments = self.shared.instruments.clone();
                let channel = Channel::new(Box::new(stream), times, instruments);
                Some(Self { channel, ..self })
            }
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                None
            }
        }
    }

    /// DATA: 354, the message, one reply for each recipient.
    async fn data(&mut self) -> Result<(), Over> {
        let Some(transaction) = self.session.transaction().cloned() else {
            return Ok(());
        };
        let mut incoming = self.begin(&transaction, None).await;
        if let Err(failure) = &incoming.upload {
            let reply = self.shared.rules.status.failure(failure);
            self.channel.reply(&reply);
            self.session.reset();
            return Ok(());
        }
        self.channel.reply(&Reply::bare(
            ReplyCode::START_MAIL_INPUT,
            "Go on, end with <CRLF>.<CRLF>",
        ));
        self.channel.flush().await?;
        let span = incoming.span.clone();
        self.within_limits(async |driver| driver.receive_data(&mut incoming).instrument(span).await)
            .await?;
        self.commit(incoming, transaction).await
    }

    /// BDAT (RFC 3030 §2): octets without dots. A failure is told at the next chunk's end, and at the
    /// last one for each recipient.
    async fn chunk(&mut self, bytes: u64, last: bool) -> Result<(), Over> {
        let Some(transaction) = self.session.transaction().cloned() else {
            return Ok(());
        };
        let mut incoming = match self.incoming.take() {
            Some(incoming) => incoming,
            None => self.begin(&transaction, last.then_some(bytes)).await,
        };
        let span = incoming.span.clone();
        self.within_limits(async |driver| driver.receive(bytes, Some(&mut incoming)).instrument(span).await)
            .await?;
        if last {
            return self.commit(incoming, transaction).await;
        }
        let reply = match &incoming.upload {
            Ok(_) => Reply::new(ReplyCode::OK, Enhanced::OTHER, "Go on"),
            Err(failure) => self.shared.rules.status.failure(failure),
        };
        self.channel.reply(&reply);
        self.incoming = Some(incoming);
        Ok(())
    }

    /// Starts to store a message, its trace fields first.
    async fn begin(&mut self, transaction: &Transaction, exact: Option<u64>) -> Incoming {
        let shared = &self.shared;
        let name = TransactionName::new(&*shared.environment);
        let span = tracing::info_span!("lmtp.transaction", transaction = %name, bytes = Empty);
        let bytes_max = bytes_max(shared.rules.message_bytes_max, exact, transaction);
        let (recipients, _) = transaction.distinct();
        let begun = shared
            .delivery
            .upload(&recipients, bytes_max.saturating_add(TRACE_BYTES_MAX));
        let storage_max = shared.options.times.storage_max;
        let begun = timeout(storage_max, begun).instrument(span.clone());
        let upload = match begun.await {
            Ok(upload) => upload.map_err(Failure::Store),
            Err(_) => Err(Failure::Store(StoreError::Unavailable(
                "the upload does not begin",
            ))),
        };
        let only = match transaction.recipients.as_slice() {
            [accepted] => Some(&accepted.path),
            _ => None,
        };
        let trace = Trace {
            reverse_path: &transaction.mail.reverse_path,
            client_name: self.session.client_name(),
            client: self.client(),
            host_name: &shared.options.host_name,
            smtputf8: transaction.mail.smtputf8,
            encrypted: self.session.is_encrypted(),
            transaction: name,
            recipient: only,
            now: shared.environment.now(),
        };
        let limits = IncomingLimits {
            bytes_max,
            storage_max,
        };
        Incoming::new((name, span), upload, limits, &trace.encode())
    }

    fn client(&self) -> Option<IpAddr> {
        match self.peer {
            Peer::Network(address) => Some(address),
            Peer::Local => None,
        }
    }

    /// Runs what reads a message, no longer than a message may take.
    async fn within_limits<T>(
        &mut self,
        receive: impl AsyncFnOnce(&mut Self) -> Result<T, Over>,
    ) -> Result<T, Over> {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            received = receive(self) => received,
            () = shared.drained.cancelled() => Err(stopping()),
            () = sleep(shared.options.times.data_max) => Err(too_slow()),
        }
    }

    /// Takes a message up to its final dot. One that fails is read over, because the client can be told
    /// only behind it.
    async fn receive_data(&mut self, incoming: &mut Incoming) -> Result<(), Over> {
        let (mut decoder, mut decoded) = (DataDecoder::new(), Vec::new());
        loop {
            let input = &mut self.channel.input;
            let length = input.len().min(DECODE_BYTES);
            let octets = input.get(..length).unwrap_or_default();
            let progress = decoder.decode(octets, &mut decoded);
            incoming.push(&decoded).await;
            decoded.clear();
            match progress {
                DataProgress::Finished { consumed } => {
                    input.advance(consumed.min(length));
                    return Ok(());
                }
                DataProgress::More => input.advance(length),
            }
            if input.is_empty() {
                self.read_within_message().await?;
            }
        }
    }

    /// Takes octets of a message, or reads over them.
    async fn receive(&mut self, bytes: u64, mut incoming: Option<&mut Incoming>) -> Result<(), Over> {
        let mut missing = bytes;
        while missing > 0 {
            if self.channel.input.is_empty() {
                self.read_within_message().await?;
            }
            let ready = self.channel.input.len().min(PIECE_BYTES / 2);
            let length = usize::try_from(missing).map_or(ready, |missing| ready.min(missing));
            let octets = self.channel.input.split_to(length);
            missing -= length as u64;
            if let Some(incoming) = &mut incoming {
                incoming.push(&octets).await;
            }
        }
        Ok(())
    }

    async fn read_within_message(&mut self) -> Result<(), Over> {
        let pause_max = self.channel.times.data_pause_max;
        match self.channel.read_within(pause_max).await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(too_slow()),
            read => Ok(read?),
        }
    }

    /// Delivers a whole message and answers for each recipient, in the order of RCPT
    /// (RFC 2033 §4.2).
    async fn commit(&mut self, mut incoming: Incoming, transaction: Transaction) -> Result<(), Over> {
        let span = incoming.span.clone();
        incoming.finish().instrument(span).await;
        let count = transaction.recipients.len();
        self.session.reset();
        let replies = delivering::start(&self.shared, Commit::new(incoming, transaction));
        self.tell(replies, count).await
    }

    async fn tell(&mut self, mut replies: mpsc::Receiver<(usize, Reply)>, count: usize) -> Result<(), Over> {
        let deadline = Instant::now() + self.channel.times.delivery_max;
        let mut known: Vec<Option<Reply>> = vec![None; count];
        let mut told = 0;
        while told < count {
            let Ok(Some((index, reply))) = timeout_at(deadline, replies.recv()).await else {
                break;
            };
            if let Some(slot) = known.get_mut(index) {
                *slot = Some(reply);
            }
            while let Some(Some(reply)) = known.get(told) {
                self.channel.reply(reply);
                told += 1;
            }
            self.channel.flush().await?;
        }
        let unknown = Failure::Store(StoreError::OutcomeUnknown);
        let unknown = self.shared.rules.status.failure(&unknown);
        for reply in known.iter().skip(told) {
            self.channel.reply(reply.as_ref().unwrap_or(&unknown));
        }
        Ok(())
    }
}

/// Returns how long a message may be. Clients may be off a little in what they announce
/// (RFC 1870 §5), but what is kept free for a message is what it was announced as.
fn bytes_max(message_bytes_max: u64, exact: Option<u64>, transaction: &Transaction) -> u64 {
    let announced = transaction.mail.size_bytes;
    let slack = |size: u64| size.saturating_add(size / 8).saturating_add(4096);
    let expected = exact.or_else(|| announced.map(slack));
    expected.map_or(message_bytes_max, |expected| expected.min(message_bytes_max))
}

fn stopping() -> Over {
    Over::Said(Reply::new(
        ReplyCode::SERVICE_UNAVAILABLE,
        Enhanced::SYSTEM_NOT_ACCEPTING,
        "Server is stopping, try again later",
    ))
}

fn too_slow() -> Over {
    Over::Said(Reply::new(
        ReplyCode::SERVICE_UNAVAILABLE,
        Enhanced::BAD_CONNECTION,
        "Waited too long",
    ))
}

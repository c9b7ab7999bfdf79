//! The commands, one file each: from what was parsed to untagged responses and a tagged one.
//!
//! [`carry_out`] is the way of every command: the table of commands decides whether it is permitted, a
//! handler answers, the client is told what else has happened, and the tagged response ends it.

mod append;
mod authenticate;
mod capability;
mod close;
mod compress;
mod copy;
mod create;
mod delete;
mod enable;
mod expunge;
mod fetch;
mod id;
mod idle;
mod list;
mod login;
mod message_set;
mod namespace;
mod quota;
mod rename;
mod search;
mod select;
mod starttls;
mod status;
mod store;
mod subscribe;

use imap_wire::WireError;
use imap_wire::command::{Addressing, Command, CommandBody, CommandKind};
use imap_wire::frame::{Frame, Rejection};
use imap_wire::parse;
use imap_wire::response::{Condition, ResponseCode, Status};
use imap_wire::types::Tag;
use tokio::time::Instant;
use tracing::Instrument;

use crate::answer::{Answer, Code, CommandResult, Failure, Over};
use crate::connection::Connection;
use crate::connection::client::Input;
use crate::metrics::{command_name, outcome};
use crate::session::selected::{Access, Expunges};
use crate::status as error_status;

/// Carries out what the client sent, from parsing to the tagged response.
pub(crate) async fn carry_out(connection: &mut Connection, input: Input) -> Result<(), Over> {
    match input {
        Input::Command(frame) => whole_command(connection, frame).await,
        Input::Append(append) => {
            let tag = append.tag.clone();
            let running = Running::begin(CommandKind::Append, Addressing::Sequence);
            let handler = Box::pin(append::append(connection, append));
            let result = handler.instrument(running.span.clone()).await;
            running
                .conclude(connection, &tag, result, Some(Expunges::Told))
                .await
        }
        Input::Rejected(rejection) => rejected(connection, rejection).await,
        // The framer makes these only after it was asked to, by a handler that takes them itself.
        Input::Line(_)
        | Input::Body(_)
        | Input::BodyEnd { .. }
        | Input::AppendAnother(_)
        | Input::AppendEnd => Ok(()),
    }
}

async fn whole_command(connection: &mut Connection, frame: Frame) -> Result<(), Over> {
    let parsed = parse::command(&frame, connection.parse_options());
    drop(frame);
    let Command {
        tag,
        body,
        leniencies,
    } = match parsed {
        Ok(command) => command,
        Err(error) => {
            let answer = refused(error.error);
            return conclude(connection, error.tag.as_ref(), Ok(answer), None)
                .await
                .map(drop);
        }
    };
    let spec = body.kind().spec();
    if !leniencies.is_empty() {
        connection.services.metrics.leniency();
    }
    let offer = connection.offer();
    if let Err(error) = spec.check(connection.session.state(), |capability| offer.has(capability)) {
        return conclude(connection, Some(&tag), Ok(refused(error)), None)
            .await
            .map(drop);
    }
    let sync = sync_after(&body);
    let running = Running::begin(spec.kind, addressing(&body));
    let span = running.span.clone();
    let result = dispatch(connection, &tag, body).instrument(span).await;
    running.conclude(connection, &tag, result, sync).await
}

/// Runs the handler. Each future has a box of its own, so that a session that idles does not hold the
/// space of the largest.
async fn dispatch(connection: &mut Connection, tag: &Tag, body: CommandBody) -> CommandResult {
    match body {
        CommandBody::Capability => Ok(capability::capability(connection)),
        CommandBody::Noop | CommandBody::Check => Ok(Answer::ok("Done")),
        CommandBody::Logout => logout(connection, tag).await,
        CommandBody::Id(fields) => Ok(id::id(connection, &fields)),
        CommandBody::StartTls => starttls::starttls(connection),
        CommandBody::Authenticate {
            mechanism,
            initial_response,
        } => {
            Box::pin(authenticate::authenticate(
                connection,
                &mechanism,
                initial_response,
            ))
            .await
        }
        CommandBody::Login { user, password } => Box::pin(login::login(connection, &user, &password)).await,
        CommandBody::Enable(names) => Ok(enable::enable(connection, &names)),
        CommandBody::Namespace => Ok(namespace::namespace(connection)),
        CommandBody::Compress(algorithm) => compress::compress(connection, &algorithm),
        CommandBody::Idle => Box::pin(idle::idle(connection)).await,
        other => dispatch_mailboxes(connection, tag, other).await,
    }
}

async fn dispatch_mailboxes(connection: &mut Connection, tag: &Tag, body: CommandBody) -> CommandResult {
    match body {
        CommandBody::Select(select) => Box::pin(select::select(connection, select, Access::ReadWrite)).await,
        CommandBody::Examine(select) => Box::pin(select::select(connection, select, Access::ReadOnly)).await,
        CommandBody::Create {
            mailbox,
            special_uses,
        } => Box::pin(create::create(connection, &mailbox, &special_uses)).await,
        CommandBody::Delete(mailbox) => Box::pin(delete::delete(connection, &mailbox)).await,
        CommandBody::Rename { from, to } => Box::pin(rename::rename(connection, &from, &to)).await,
        CommandBody::Subscribe(mailbox) => Box::pin(subscribe::subscribe(connection, &mailbox, true)).await,
        CommandBody::Unsubscribe(mailbox) => {
            Box::pin(subscribe::subscribe(connection, &mailbox, false)).await
        }
        CommandBody::List(list) => Box::pin(list::list(connection, list)).await,
        CommandBody::Lsub(list) => Box::pin(list::lsub(connection, list)).await,
        CommandBody::Xlist(list) => Box::pin(list::xlist(connection, list)).await,
        CommandBody::Status { mailbox, items } => {
            Box::pin(status::status(connection, &mailbox, &items)).await
        }
        CommandBody::GetQuota(root) => Box::pin(quota::get_quota(connection, &root)).await,
        CommandBody::GetQuotaRoot(mailbox) => Box::pin(quota::get_quota_root(connection, &mailbox)).await,
        CommandBody::SetQuota { .. } => Ok(Answer::no(ResponseCode::NoPerm, "Limits are set elsewhere")),
        other => dispatch_messages(connection, tag, other).await,
    }
}

async fn dispatch_messages(connection: &mut Connection, tag: &Tag, body: CommandBody) -> CommandResult {
    match body {
        CommandBody::Close => Box::pin(close::close(connection)).await,
        CommandBody::Unselect => close::unselect(connection),
        CommandBody::Expunge => Box::pin(expunge::expunge(connection, None)).await,
        CommandBody::UidExpunge(set) => Box::pin(expunge::expunge(connection, Some(&set))).await,
        CommandBody::Search(search) => Box::pin(search::search(connection, tag, search)).await,
        CommandBody::Fetch(fetch) => Box::pin(fetch::fetch(connection, fetch)).await,
        CommandBody::Store(store) => Box::pin(store::store(connection, store)).await,
        CommandBody::Copy(copy) => Box::pin(copy::copy(connection, copy)).await,
        CommandBody::Move(copy) => Box::pin(copy::move_messages(connection, copy)).await,
        // The families before have taken the others.
        _ => Ok(Answer::bad("Not a command of this server")),
    }
}

/// LOGOUT (RFC 3501 §6.1.3): BYE first, then the tagged response, then the end.
async fn logout(connection: &mut Connection, tag: &Tag) -> CommandResult {
    let out = connection.out();
    let bye = Status {
        tag: None,
        condition: Condition::Bye,
        code: None,
        text: "Logging out",
    };
    bye.encode(out);
    Answer::ok("Goodbye").encode(out, Some(tag));
    connection.client.transport.flush().await?;
    Err(Over::Silent.into())
}

/// Says what the client is told of beside the command's own result, and whether messages may be told
/// as gone. Commands that have told it themselves, or have no mailbox, are left out.
fn sync_after(body: &CommandBody) -> Option<Expunges> {
    match body {
        CommandBody::Noop
        | CommandBody::Check
        | CommandBody::Create { .. }
        | CommandBody::Delete(_)
        | CommandBody::Rename { .. }
        | CommandBody::Subscribe(_)
        | CommandBody::Unsubscribe(_)
        | CommandBody::List(_)
        | CommandBody::Lsub(_)
        | CommandBody::Xlist(_)
        | CommandBody::Status { .. }
        | CommandBody::GetQuota(_)
        | CommandBody::GetQuotaRoot(_) => Some(Expunges::Told),
        // A client that has sent COPY by sequence number may have sent the next such command as well.
        CommandBody::Copy(copy) => Some(match copy.addressing {
            Addressing::Sequence => Expunges::Held,
            Addressing::Uid => Expunges::Told,
        }),
        CommandBody::Capability
        | CommandBody::Logout
        | CommandBody::Id(_)
        | CommandBody::StartTls
        | CommandBody::Authenticate { .. }
        | CommandBody::Login { .. }
        | CommandBody::Enable(_)
        | CommandBody::Select(_)
        | CommandBody::Examine(_)
        | CommandBody::Namespace
        | CommandBody::Idle
        | CommandBody::Close
        | CommandBody::Unselect
        | CommandBody::Expunge
        | CommandBody::UidExpunge(_)
        | CommandBody::Search(_)
        | CommandBody::Fetch(_)
        | CommandBody::Store(_)
        | CommandBody::Move(_)
        | CommandBody::SetQuota { .. }
        | CommandBody::Compress(_) => None,
    }
}

/// Ends a command: tells the news, then answers. Too many commands that are none end the connection.
async fn conclude(
    connection: &mut Connection,
    tag: Option<&Tag>,
    result: CommandResult,
    sync: Option<Expunges>,
) -> Result<Condition, Over> {
    let (answer, mut over) = match result.map_or_else(Failure::into_answer, Ok) {
        Ok(answer) => (answer, None),
        Err(Over::Bye(code, text)) => (Answer::ending(code, text), Some(Over::Bye(code, text))),
        Err(over) => return Err(over),
    };
    // Whoever has waited for the storage in vain does not wait a second time, for its news.
    let sync = sync.filter(|_| answer.code != Some(Code::Plain(ResponseCode::Unavailable)));
    if let (Some(expunges), None, true) = (sync, &over, answer.condition != Condition::Bad) {
        match connection.sync(expunges).await {
            Ok(()) => {}
            Err(Failure::Over(end)) => over = Some(end),
            Err(Failure::Answer(_)) => {}
            // The command itself is done; the news can wait for the next one.
            Err(Failure::Store(error)) => error_status::log(&error),
        }
    }
    answer.encode(connection.out(), tag);
    count_bad(connection, answer.condition)?;
    if connection.client.framer.is_closed() {
        // Whichever handler met the line that could not be taken, nothing behind it can be understood.
        over = over.or(Some(Over::Bye(None, "Cannot follow any more")));
    }
    if let Some(over) = over {
        return Err(over);
    }
    // Commands sent at once are answered no faster than the client reads.
    connection
        .client
        .transport
        .checkpoint()
        .await
        .map_err(Over::Lost)?;
    Ok(answer.condition)
}

/// A command under way, measured.
struct Running {
    name: String,
    span: tracing::Span,
    begun: Instant,
}

impl Running {
    fn begin(kind: CommandKind, addressing: Addressing) -> Self {
        let name = command_name(kind, addressing);
        let span = tracing::info_span!("imap.command", command = %name, outcome = tracing::field::Empty);
        Self {
            name,
            span,
            begun: Instant::now(),
        }
    }

    async fn conclude(
        self,
        connection: &mut Connection,
        tag: &Tag,
        result: CommandResult,
        sync: Option<Expunges>,
    ) -> Result<(), Over> {
        let concluded = conclude(connection, Some(tag), result, sync)
            .instrument(self.span.clone())
            .await;
        let condition = concluded.as_ref().copied().unwrap_or(Condition::No);
        self.span.record("outcome", outcome(condition));
        connection
            .services
            .metrics
            .command(&self.name, condition, self.begun.elapsed());
        concluded.map(drop)
    }
}

/// Returns whether a command came behind `UID`.
fn addressing(body: &CommandBody) -> Addressing {
    match body {
        CommandBody::Search(search) => search.addressing,
        CommandBody::Fetch(fetch) => fetch.addressing,
        CommandBody::Store(store) => store.addressing,
        CommandBody::Copy(copy) | CommandBody::Move(copy) => copy.addressing,
        CommandBody::UidExpunge(_) => Addressing::Uid,
        _ => Addressing::Sequence,
    }
}

fn count_bad(connection: &mut Connection, condition: Condition) -> Result<(), Over> {
    if condition != Condition::Bad {
        connection.session.bad_commands = 0;
        return Ok(());
    }
    connection.session.bad_commands += 1;
    let options = &connection.services.options;
    let limit = match connection.session.login {
        Some(_) => options.command.bad_commands_max,
        None => options.before_login.bad_commands_max,
    };
    if connection.session.bad_commands >= limit {
        if connection.session.login.is_none() {
            connection.services.metrics.limit("preauth-bad-commands");
        }
        return Err(Over::Bye(None, "Too many invalid commands"));
    }
    Ok(())
}

/// Answers what the framer could not take. Where it has closed, the connection ends with the answer.
async fn rejected(connection: &mut Connection, rejection: Rejection) -> Result<(), Over> {
    let answer = refused(rejection.error);
    conclude(connection, rejection.tag.as_ref(), Ok(answer), None)
        .await
        .map(drop)
}

/// Returns the answer to bytes that are no permitted command. The texts hold nothing that was sent.
fn refused(error: WireError) -> Answer {
    match error {
        WireError::Tag => Answer::bad("Missing or invalid tag"),
        WireError::UnknownCommand => Answer::bad("Unknown command"),
        WireError::Syntax { expected } => Answer::bad(expected_text(expected)),
        WireError::MailboxName(_) | WireError::ModifiedUtf7(_) => {
            Answer::no(ResponseCode::Cannot, "Not a name that a mailbox can have")
        }
        WireError::TooDeep => Answer::bad("Nested too deeply"),
        WireError::TooManyWildcards => Answer::no(ResponseCode::Limit, "Too many wildcards in a pattern"),
        WireError::TooManyElements => Answer::bad("Too many elements in a list"),
        WireError::CharsetForbidden => Answer::bad("CHARSET is not allowed after ENABLE UTF8=ACCEPT"),
        WireError::Base64 => Answer::bad("Invalid base64"),
        WireError::Nul => Answer::bad("NUL is not allowed"),
        WireError::BareCarriageReturn => Answer::bad("Bare CR is not allowed"),
        WireError::BareLineFeed => Answer::bad("Bare LF is not allowed"),
        WireError::LineTooLong => Answer::bad("Line too long"),
        WireError::CommandTooLong => Answer::bad("Command too long"),
        WireError::LiteralTooLarge => Answer::bad("Literal too large"),
        WireError::LiteralForbidden => Answer::bad("Literal not allowed here"),
        WireError::WrongState => Answer::bad("Command not permitted in this state"),
        WireError::NotAvailable => Answer::bad("Command not available"),
    }
}

/// What the grammar wanted is one of its own words, fixed at compile time.
fn expected_text(expected: &'static str) -> &'static str {
    if expected.is_empty() {
        "Invalid arguments"
    } else {
        expected
    }
}

/// The storage answered a command with another command's reply.
fn unexpected_reply() -> Failure {
    mailstore::StoreError::Internal("reply does not belong to the command".to_owned()).into()
}

//! APPEND (RFC 3501 §6.3.11), several messages at once (RFC 3502), APPENDUID (RFC 4315 §3).

use std::time::Duration;

use bytes::Bytes;
use imap_wire::command::{Append, AppendMessage};
use imap_wire::response::{self, ResponseCode};
use mailstore::command::MessageCommand;
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, StoredBlob};
use mailstore::{Rejection, Reply, StoreError};

use crate::answer::{Answer, Code, CommandResult, Failure, Over};
use crate::connection::Connection;
use crate::connection::client::Input;
use crate::convert;
use crate::status;

/// Octets collected before they are handed on.
const CHUNK_BYTES: usize = 64 * 1024;
/// Most messages of one APPEND.
const MESSAGES_MAX: usize = 1000;

/// Takes messages in and adds them by one change. A connection that ends before leaves nothing.
pub(super) async fn append(connection: &mut Connection, append: Append) -> CommandResult {
    let mut messages = Vec::new();
    let mut announced = Some(append.message);
    let name = convert::mailbox_name(&append.mailbox);
    while let Some(message) = announced.take() {
        let new = match &name {
            Ok(name) => take_message(connection, name, &message, messages.len()).await?,
            Err(rejection) => return Err(refuse(connection, rejection.clone().into())),
        };
        messages.push(new);
        announced = match next(connection).await? {
            Input::AppendAnother(message) => Some(message),
            Input::AppendEnd => None,
            Input::Rejected(_) => return Ok(Answer::bad("Invalid arguments behind the message")),
            _ => return Err(Over::Silent.into()),
        };
    }
    let command = MessageCommand::Append {
        mailbox: name?,
        messages,
        create: false,
    };
    let store = connection.store()?;
    match store.change_messages(command).await.map_err(status::for_target)? {
        Reply::Appended(appended) => {
            let validity = convert::wire_uid_validity(appended.uid_validity);
            let uids = convert::wire_ranges(&appended.uids).collect();
            Ok(Answer::ok("Appended").with(Code::AppendUid(validity, uids)))
        }
        _ => Err(super::unexpected_reply()),
    }
}

/// Checks that there is room, invites the octets and stores them.
async fn take_message(
    connection: &mut Connection,
    name: &MailboxName,
    message: &AppendMessage,
    taken: usize,
) -> Result<NewMessage, Failure> {
    let upload = match begin(connection, name, message, taken).await {
        Ok(upload) => upload,
        Err(failure) => return Err(refuse(connection, failure)),
    };
    connection.client.framer.accept_message();
    if message.literal.synchronising {
        response::continuation(connection.out(), "Ready for the message");
    }
    let stored = receive(connection, upload).await?;
    let environment = &connection.services.environment;
    let mut email_id = [0; 12];
    environment.fill_random(&mut email_id);
    Ok(NewMessage {
        blob: stored.blob,
        size: stored.size,
        flags: convert::named_flags(&message.flags),
        internal_date: convert::internal_date(message.internal_date, environment.now()),
        email_id: EmailId(email_id),
    })
}

/// Asks the storage before the client is asked for the octets: existence, quota, size, space.
async fn begin(
    connection: &Connection,
    name: &MailboxName,
    message: &AppendMessage,
    taken: usize,
) -> Result<Box<dyn BlobUpload>, Failure> {
    let size = message.literal.bytes;
    if size > u64::from(connection.services.options.command.append_bytes_max) {
        return Err(Rejection::MessageTooLarge.into());
    }
    if size == 0 {
        // An empty literal is how some clients say that they have changed their mind (RFC 3502 §6.3.11).
        return Err(Answer::no(ResponseCode::Cannot, "A message cannot be empty").into());
    }
    if taken >= MESSAGES_MAX {
        return Err(Rejection::TooManyMessages.into());
    }
    let store = connection.store()?;
    store.check_append(name, size).await.map_err(status::for_target)?;
    Ok(store.upload(size).await?)
}

/// Refuses the message that was announced. One that waits for `+` is never sent; of others the framer
/// reads over what it may, and beyond that the connection has to end.
fn refuse(connection: &mut Connection, failure: Failure) -> Failure {
    let comes = connection.client.framer.refuse_message();
    let answer = match failure.into_answer() {
        Ok(answer) => answer,
        Err(over) => return over.into(),
    };
    if comes > connection.services.options.command.command_bytes_max as u64 {
        return Over::Bye(
            Some(ResponseCode::TooBig),
            "Message is refused and too large to be read over",
        )
        .into();
    }
    answer.into()
}

/// Streams the octets to the storage. Once the client was invited it is heard to the end, even if the
/// storage has failed meanwhile.
async fn receive(
    connection: &mut Connection,
    mut upload: Box<dyn BlobUpload>,
) -> Result<StoredBlob, Failure> {
    let mut result = Ok(());
    let mut chunk = Vec::new();
    let nul = loop {
        match next(connection).await? {
            Input::Body(bytes) => chunk.extend_from_slice(&bytes),
            Input::BodyEnd { nul } => break nul,
            Input::Rejected(_) => return Err(Over::Bye(None, "Cannot follow any more").into()),
            _ => return Err(Over::Silent.into()),
        }
        if chunk.len() >= CHUNK_BYTES {
            let full = std::mem::take(&mut chunk);
            if result.is_ok() {
                result = push(&mut *upload, Bytes::from(full)).await;
            }
        }
    };
    if result.is_ok() {
        result = push(&mut *upload, Bytes::from(chunk)).await;
    }
    let stored = match result {
        // RFC 3501 §9: CHAR8 excludes NUL.
        Ok(()) if nul => Err(Answer::no(ResponseCode::Cannot, "A message cannot hold NUL").into()),
        Ok(()) => upload.finish().await.map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    if stored.is_err() {
        read_over(connection).await?;
    }
    stored
}

/// Hands octets on in pieces that the port takes.
async fn push(upload: &mut dyn BlobUpload, mut octets: Bytes) -> Result<(), StoreError> {
    while !octets.is_empty() {
        upload
            .push(octets.split_to(octets.len().min(CHUNK_BYTES)))
            .await?;
    }
    Ok(())
}

/// Reads over what is left of an APPEND that has failed, so that the next command is found.
async fn read_over(connection: &mut Connection) -> Result<(), Failure> {
    match next(connection).await? {
        Input::AppendAnother(_) => {
            let limit = connection.services.options.command.command_bytes_max as u64;
            if connection.client.framer.refuse_message() > limit {
                return Err(Over::Bye(None, "Cannot follow any more").into());
            }
            Ok(())
        }
        Input::AppendEnd | Input::Rejected(_) => Ok(()),
        _ => Err(Over::Silent.into()),
    }
}

/// Waits for the client's next octets, not for ever: it has promised them.
async fn next(connection: &mut Connection) -> Result<Input, Failure> {
    let pause: Duration = connection.services.options.times.literal_pause_max;
    match tokio::time::timeout(pause, connection.client.next()).await {
        Ok(input) => Ok(input?),
        Err(_) => Err(Over::Bye(None, "Message did not arrive in time").into()),
    }
}

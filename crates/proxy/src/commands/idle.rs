//! IDLE (RFC 2177).

use std::time::Duration;

use imap_wire::parse::is_done;
use imap_wire::response::{self, Condition, Status};
use tokio::time::Instant;

use crate::answer::{Answer, CommandResult, Failure};
use crate::cache::watch_hub::Watching;
use crate::connection::Connection;
use crate::connection::client::Input;
use crate::metrics::Stage;
use crate::session::selected::Expunges;
use crate::status as error_status;

/// Wait before a storage that was silent is asked again.
const RESUME_WAIT: Duration = Duration::from_millis(500);

/// Tells of changes as they come, until the client says DONE. What the client has sent behind DONE is
/// left for the next command (PROTOCOL §2.4). While nothing happens the connection holds no buffers.
///
/// IDLE begins whether or not the storage answers, and outlasts its silence (DESIGN §3.9): the client has
/// asked to be told, and will be once there is something to tell.
pub(super) async fn idle(connection: &mut Connection) -> CommandResult {
    connection.enter(Stage::Idle);
    let mut watching = watch(connection);
    connection.client.framer.expect_line();
    response::continuation(connection.out(), "Waiting");
    let keepalive = connection.services.options.times.idle_keepalive;
    let mut next_sign = Instant::now() + keepalive;
    connection.client.transport.flush().await?;
    let mut again = tell_news(connection, None, next_sign).await?;
    loop {
        connection.client.transport.flush().await?;
        connection.client.transport.rest();
        tokio::select! {
            input = connection.client.next() => return Ok(ended_by(&input?)),
            () = hint(&mut watching) => again = tell_news(connection, watching.as_ref(), next_sign).await?,
            () = at(again) => again = tell_news(connection, watching.as_ref(), next_sign).await?,
            over = connection.control.ended() => return Err(over.into()),
            () = tokio::time::sleep_until(next_sign) => {
                still_here(connection.out());
                next_sign = Instant::now() + keepalive;
            }
        }
    }
}

/// Tells what has happened. A storage that is silent is asked again at the moment that is returned, and
/// not waited for beyond `limit`: the client is due a sign of life then.
async fn tell_news(
    connection: &mut Connection,
    watching: Option<&Watching>,
    limit: Instant,
) -> Result<Option<Instant>, Failure> {
    let telling = async {
        match watching {
            Some(watching) => connection.sync_watched(watching).await,
            None => connection.sync(Expunges::Told).await,
        }
    };
    match tokio::time::timeout_at(limit, telling).await {
        Ok(Ok(())) => Ok(None),
        Ok(Err(Failure::Over(over))) => Err(over.into()),
        Ok(Err(Failure::Answer(_))) => Ok(None),
        Ok(Err(Failure::Store(error))) => {
            error_status::log(&error);
            Ok(error.is_retryable().then(resume_at))
        }
        Err(_) => Ok(Some(resume_at())),
    }
}

fn resume_at() -> Instant {
    Instant::now() + RESUME_WAIT
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn watch(connection: &Connection) -> Option<Watching> {
    let login = connection.session.login.as_ref()?;
    let selected = login.selected.as_ref()?;
    let services = &connection.services;
    Some(
        services
            .watches
            .watch(&services.tasks, &login.store, selected.mailbox),
    )
}

async fn hint(watching: &mut Option<Watching>) {
    match watching {
        Some(watching) => watching.hint().await,
        None => std::future::pending().await,
    }
}

fn ended_by(input: &Input) -> Answer {
    match input {
        Input::Line(line) if is_done(line) => Answer::ok("Done waiting"),
        _ => Answer::bad("Expected DONE"),
    }
}

/// Keeps NAT gateways and the client's own timers content (PROTOCOL §2.8).
fn still_here(out: &mut Vec<u8>) {
    let status = Status {
        tag: None,
        condition: Condition::Ok,
        code: None,
        text: "Still here",
    };
    status.encode(out);
}

//! IDLE (RFC 2177).

use imap_wire::parse::is_done;
use imap_wire::response::{self, Condition, Status};
use tokio::time::Instant;

use crate::answer::{Answer, CommandResult};
use crate::cache::watch_hub::Watching;
use crate::connection::Connection;
use crate::connection::client::Input;
use crate::metrics::Stage;
use crate::session::selected::Expunges;

/// Tells of changes as they come, until the client says DONE. What the client has sent behind DONE is
/// left for the next command (PROTOCOL §2.4). While nothing happens the connection holds no buffers.
pub(super) async fn idle(connection: &mut Connection) -> CommandResult {
    connection.enter(Stage::Idle);
    let mut watching = watch(connection);
    connection.client.framer.expect_line();
    response::continuation(connection.out(), "Waiting");
    connection.sync(Expunges::Told).await?;
    let keepalive = connection.services.options.times.idle_keepalive;
    let mut next_sign = Instant::now() + keepalive;
    loop {
        connection.client.transport.flush().await?;
        connection.client.transport.rest();
        tokio::select! {
            input = connection.client.next() => return Ok(ended_by(&input?)),
            () = hint(&mut watching) => {
                // A storage that does not answer now will be asked again: the watch resumes with a hint.
                if let Err(failure) = connection.sync(Expunges::Told).await {
                    failure.into_answer()?;
                }
            }
            over = connection.control.ended() => return Err(over.into()),
            () = tokio::time::sleep_until(next_sign) => {
                still_here(connection.out());
                next_sign = Instant::now() + keepalive;
            }
        }
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

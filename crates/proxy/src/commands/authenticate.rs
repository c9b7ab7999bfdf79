//! AUTHENTICATE (RFC 3501 §6.2.2, RFC 4959).

use std::sync::Arc;

use auth::Mechanism;
use bytes::Bytes;
use imap_wire::parse::{AuthenticateLine, authenticate_line};
use imap_wire::response;
use imap_wire::types::{Atom, Secret};
use mailstore::ports::{Login, LoginFailure, SaslExchange, SaslOutcome};

use super::login;
use crate::answer::{Answer, CommandResult, Failure};
use crate::connection::Connection;
use crate::connection::client::Input;

pub(super) async fn authenticate(
    connection: &mut Connection,
    mechanism: &Atom,
    initial_response: Option<Secret>,
) -> CommandResult {
    if !connection.offer().passwords {
        return Ok(login::privacy_required());
    }
    let offered = mechanism
        .as_str()
        .parse()
        .ok()
        .filter(|one| is_offered(connection, *one));
    let Some(mechanism) = offered else {
        return Ok(Answer::no(
            imap_wire::response::ResponseCode::Cannot,
            "Mechanism is not available",
        ));
    };
    let message = match initial_response {
        Some(response) => Bytes::copy_from_slice(response.expose()),
        None => ask(connection, mechanism.opening_challenge()).await?,
    };
    let Some(user) = auth::named_user(mechanism, &message) else {
        return login::refused(connection, "", mechanism.as_str(), LoginFailure::Malformed).await;
    };
    login::shed(connection, &user, mechanism.as_str())?;
    let request = login::request(connection, &user, mechanism);
    let authentication = Arc::clone(&connection.services.authentication);
    let name = mechanism.as_str();
    let begun = authentication.begin_login(request).await;
    let exchange = begun.inspect_err(|_| login::unavailable(connection, &user, name))?;
    match converse(connection, exchange, message).await {
        Ok(Ok(login)) => login::accept(connection, &user, name, login),
        Ok(Err(failure)) => login::refused(connection, &user, name, failure).await,
        Err(failure) => {
            if matches!(failure, Failure::Store(_)) {
                login::unavailable(connection, &user, name);
            }
            Err(failure)
        }
    }
}

/// Relays messages until the exchange is over.
async fn converse(
    connection: &mut Connection,
    mut exchange: Box<dyn SaslExchange>,
    first: Bytes,
) -> Result<Result<Login, LoginFailure>, Failure> {
    let mut message = first;
    loop {
        match exchange.respond(message).await? {
            SaslOutcome::Challenge(challenge) => message = ask(connection, &challenge).await?,
            SaslOutcome::Failure(failure) => return Ok(Err(failure)),
            SaslOutcome::Success { login, additional } => {
                // RFC 3501 §6.2.2 has no place for data beside success: it goes as a challenge, which
                // the client answers with nothing.
                if let Some(additional) = additional {
                    let answer = ask(connection, &additional).await;
                    if !matches!(&answer, Ok(message) if message.is_empty()) {
                        return abandon(connection, &login, answer).await;
                    }
                }
                return Ok(Ok(login));
            }
        }
    }
}

/// The client did not take the server's proof: the session that was begun ends at once.
async fn abandon(
    connection: &Connection,
    login: &Login,
    answer: Result<Bytes, Failure>,
) -> Result<Result<Login, LoginFailure>, Failure> {
    connection.services.authentication.logout(&login.caller()).await;
    answer.map(|_| Err(LoginFailure::Malformed))
}

/// Sends a challenge and returns the client's answer.
async fn ask(connection: &mut Connection, challenge: &[u8]) -> Result<Bytes, Failure> {
    response::continuation_base64(connection.out(), challenge);
    connection.client.framer.expect_line();
    match connection.client.next().await? {
        Input::Line(line) => match authenticate_line(&line) {
            Ok(AuthenticateLine::Response(response)) => Ok(Bytes::copy_from_slice(response.expose())),
            Ok(AuthenticateLine::Cancel) => Err(Answer::bad("Cancelled").into()),
            Err(_) => Err(Answer::bad("Invalid base64").into()),
        },
        Input::Rejected(_) => Err(Answer::bad("Invalid line").into()),
        _ => Err(Answer::bad("Expected a SASL message").into()),
    }
}

fn is_offered(connection: &Connection, mechanism: Mechanism) -> bool {
    let offer = connection.offer();
    match mechanism {
        Mechanism::Plain | Mechanism::Login | Mechanism::ScramSha256 => offer.passwords,
        Mechanism::ScramSha256Plus => offer.channel_binding,
    }
}

//! LOGIN (RFC 3501 §6.2.3), and what every way of logging in has in common.

use std::sync::Arc;

use imap_wire::response::ResponseCode;
use imap_wire::types::Secret;
use mailstore::UidSet;
use mailstore::ports::{Login, LoginFailure, LoginRequest, SaslOutcome};

use crate::account_store::AccountStore;
use crate::answer::{Answer, Code, CommandResult, Failure, Over};
use crate::connection::Connection;
use crate::metrics::LoginOutcome;
use crate::session::LoggedIn;

/// The mechanism's name in metrics and in the authentication log.
const COMMAND: &str = "login-command";

/// Logs in by name and password, relayed as SASL PLAIN.
pub(super) async fn login(connection: &mut Connection, user: &[u8], password: &Secret) -> CommandResult {
    if !connection.offer().passwords {
        return Ok(privacy_required());
    }
    let (Ok(user), Ok(password)) = (std::str::from_utf8(user), std::str::from_utf8(password.expose())) else {
        return refused(connection, "", COMMAND, LoginFailure::Credentials).await;
    };
    let Some(message) = auth::plain_message(user, password) else {
        return Ok(Answer::bad("NUL is not allowed"));
    };
    shed(connection, user, COMMAND)?;
    let request = request(connection, user, auth::Mechanism::Plain);
    let authentication = Arc::clone(&connection.services.authentication);
    let begun = authentication.begin_login(request).await;
    let mut exchange = begun.inspect_err(|_| unavailable(connection, user, COMMAND))?;
    let message = bytes::Bytes::copy_from_slice(message.expose());
    let outcome = exchange.respond(message).await;
    match outcome.inspect_err(|_| unavailable(connection, user, COMMAND))? {
        SaslOutcome::Success { login, .. } => accept(connection, user, COMMAND, login),
        SaslOutcome::Failure(failure) => refused(connection, user, COMMAND, failure).await,
        // PLAIN is over after one message.
        SaslOutcome::Challenge(_) => refused(connection, user, COMMAND, LoginFailure::Malformed).await,
    }
}

/// Refuses a login, before anything is asked of the storage, while the process has taken on too much.
pub(super) fn shed(connection: &Connection, user: &str, mechanism: &str) -> Result<(), Failure> {
    let Some(limit) = connection.services.load.reached() else {
        return Ok(());
    };
    log_outcome(connection, user, mechanism, LoginOutcome::Unavailable);
    connection.services.metrics.limit(limit);
    Err(Answer::no(ResponseCode::Unavailable, "Too much work at once, try again").into())
}

/// Returns the start of a login in this connection's name.
pub(super) fn request(connection: &Connection, user: &str, mechanism: auth::Mechanism) -> LoginRequest {
    LoginRequest {
        user: user.to_owned(),
        mechanism: mechanism.as_str().to_owned(),
        protocol: "imap",
        peer: connection.peer,
        secure: connection.security.encrypted,
        binding: connection.security.binding.clone(),
        proxy: Arc::clone(&connection.services.options.name),
    }
}

/// RFC 5530 §3: the client may try again once the connection is encrypted.
pub(super) fn privacy_required() -> Answer {
    Answer::no(ResponseCode::PrivacyRequired, "Start TLS first")
}

/// Begins the authenticated state. The answer has the capabilities that hold from now on.
pub(super) fn accept(
    connection: &mut Connection,
    user: &str,
    mechanism: &str,
    login: Login,
) -> CommandResult {
    let services = Arc::clone(&connection.services);
    let caller = login.caller();
    let Some(place) = services.admission.log_in(login.account, connection.peer) else {
        let authentication = Arc::clone(&services.authentication);
        services
            .tasks
            .spawn(async move { authentication.logout(&caller).await });
        let text = "Too many sessions of this account from here";
        return Ok(too_many_sessions(connection, user, mechanism, text));
    };
    log_outcome(connection, user, mechanism, LoginOutcome::Ok);
    connection.session.login = Some(LoggedIn {
        store: Arc::new(AccountStore::new(services, caller)),
        selected: None,
        saved: UidSet::new(),
        _place: place,
    });
    connection.session.failed_logins = 0;
    connection.before_login = None;
    connection.adjust_client();
    let capabilities = connection.capabilities();
    Ok(Answer::ok("Logged in").with(Code::Capability(capabilities)))
}

/// Answers a login that would be one too many. Name and password were right: it is no failed login.
fn too_many_sessions(connection: &Connection, user: &str, mechanism: &str, text: &'static str) -> Answer {
    log_outcome(connection, user, mechanism, LoginOutcome::Unavailable);
    connection.services.metrics.limit("connections-per-user");
    Answer::no(ResponseCode::Limit, text)
}

/// Notes a login that could not be decided.
pub(super) fn unavailable(connection: &Connection, user: &str, mechanism: &str) {
    log_outcome(connection, user, mechanism, LoginOutcome::Unavailable);
}

/// Answers a login that failed, after a while, and ends the connection when too many did.
pub(super) async fn refused(
    connection: &mut Connection,
    user: &str,
    mechanism: &str,
    failure: LoginFailure,
) -> CommandResult {
    let (answer, outcome) = match failure {
        LoginFailure::Credentials => (
            Answer::no(ResponseCode::AuthenticationFailed, "Wrong name or password"),
            LoginOutcome::Credentials,
        ),
        LoginFailure::Malformed => (Answer::bad("Malformed SASL message"), LoginOutcome::Malformed),
        LoginFailure::Mechanism => (
            Answer::no(ResponseCode::Cannot, "Mechanism is not available"),
            LoginOutcome::Malformed,
        ),
        LoginFailure::Limited => (
            Answer::no(ResponseCode::Unavailable, "Too many attempts, try again later"),
            LoginOutcome::Throttled,
        ),
        LoginFailure::TooManySessions => {
            let text = "Too many sessions of this account";
            return Ok(too_many_sessions(connection, user, mechanism, text));
        }
        LoginFailure::Cancelled => (Answer::bad("Cancelled"), LoginOutcome::Aborted),
    };
    log_outcome(connection, user, mechanism, outcome);
    if outcome == LoginOutcome::Aborted {
        return Ok(answer);
    }
    connection.session.failed_logins += 1;
    let options = &connection.services.options;
    tokio::time::sleep(options.times.failed_login_delay).await;
    if connection.session.failed_logins >= options.before_login.failed_logins_max {
        let bye = Over::Bye(Some(ResponseCode::AuthenticationFailed), "Too many failed logins");
        return Err(Failure::Over(bye));
    }
    Ok(answer)
}

/// The authentication log, the one place with names and addresses: for fail2ban and the like.
fn log_outcome(connection: &Connection, user: &str, mechanism: &str, outcome: LoginOutcome) {
    let security = &connection.security;
    connection
        .services
        .metrics
        .login(security.protocol, mechanism, outcome);
    tracing::info!(
        target: "facteur::auth",
        result = if outcome == LoginOutcome::Ok { "ok" } else { "failed" },
        protocol = security.protocol,
        mechanism,
        reason = outcome.label(),
        address = %connection.peer,
        tls = security.encrypted,
        user,
    );
}

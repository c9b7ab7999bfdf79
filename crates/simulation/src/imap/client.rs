//! A mail program: random commands, one after the other, through whichever proxy there is.

use std::time::Duration;

use super::connection::{Answered, Connection, Lost};
use super::facts::{Place, Token};
use super::wire::Response;
use super::{MAILBOXES, MailAccount};
use crate::random::Random;

/// Pause before a lost connection is made again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(300);
/// A few messages are larger than one piece of an upload.
const OCTETS_LARGE: u64 = 150_000;
const OCTETS_USUAL_MAX: u64 = 3000;
/// Asks for what tells which message it is.
const HEADER: &str = "BODY.PEEK[HEADER.FIELDS (X-Chk)]";

/// A mail program.
pub(crate) struct ImapClient {
    account: MailAccount,
    name: String,
    random: Random,
    connection: Option<Connection>,
    mailbox: &'static str,
    sent: u32,
}

impl ImapClient {
    pub(crate) fn new(account: MailAccount, name: String, random: Random) -> Self {
        Self {
            account,
            name,
            random,
            connection: None,
            mailbox: "INBOX",
            sent: 0,
        }
    }

    /// Does so many commands, with pauses between of up to `pause_max`.
    pub(crate) async fn run(mut self, commands: u32, pause_max: Duration) {
        let pause_max = u64::try_from(pause_max.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..commands {
            let pause = self.random.below(pause_max);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let Some(mut connection) = self.connected().await else {
                tokio::time::sleep(RECONNECT_PAUSE).await;
                continue;
            };
            if self.act(&mut connection).await.is_ok() {
                self.connection = Some(connection);
            }
        }
        if let Some(mut connection) = self.connection.take() {
            // Whoever leaves does not care for the answer.
            drop(connection.command("LOGOUT").await);
        }
    }

    async fn connected(&mut self) -> Option<Connection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        let proxy = self.random.pick(&self.account.proxy_names).cloned()?;
        let mut connection = self.account.log_in(&proxy, &self.name).await?;
        self.select(&mut connection).await.ok()?;
        Some(connection)
    }

    async fn act(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        self.account.history.lock().imap_command();
        match self.random.below(100) {
            0..30 => self.append(connection).await,
            30..42 => self.fetch(connection).await,
            42..52 => connection.command("NOOP").await.map(drop),
            52..62 => self.store(connection).await,
            62..68 => self.expunge(connection).await,
            68..76 => self.transfer(connection, "UID MOVE").await,
            76..82 => self.transfer(connection, "UID COPY").await,
            82..88 => {
                self.mailbox = self.random.pick(&MAILBOXES).copied().unwrap_or("INBOX");
                self.select(connection).await
            }
            88..94 => self.status(connection).await,
            _ => {
                let time = Duration::from_millis(self.random.below(1500));
                connection.idle(time, |_| ()).await
            }
        }
    }

    /// Selects a mailbox, makes it if need be, and looks which messages are where.
    async fn select(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        let mut selected = connection.select(self.mailbox).await?;
        if selected.status.text.starts_with("NO [NONEXISTENT]") {
            connection.command(&format!("CREATE {}", self.mailbox)).await?;
            selected = connection.select(self.mailbox).await?;
        }
        if !selected.is_ok() {
            // The proxy has given up waiting: another one may reach more.
            return Err(Lost);
        }
        if let Some(validity) = connection.view.uid_validity {
            let same = self.account.facts.lock().uid_validity(self.mailbox, validity);
            connection.require(same);
        }
        let exists = connection.view.exists();
        if exists == 0 {
            return Ok(());
        }
        let fetched = connection.command(&format!("FETCH 1:* (UID {HEADER})")).await?;
        if fetched.is_ok() && !fetched.status.text.contains("EXPUNGEISSUED") {
            let untold = connection.view.untold(exists);
            if untold > 0 {
                connection.violation(&format!("{untold} of {exists} messages were not fetched"));
            }
        }
        self.take_in(connection, &fetched);
        Ok(())
    }

    fn place(&self, connection: &Connection, uid: u32) -> Place {
        Place {
            mailbox: self.mailbox,
            uid_validity: connection.view.uid_validity.unwrap_or_default(),
            uid,
        }
    }

    /// Takes note of which messages were told to be where.
    fn take_in(&self, connection: &Connection, answered: &Answered) {
        for response in &answered.untagged {
            let (Some(uid), Some(token)) = (response.number_after("UID"), token_of(response)) else {
                continue;
            };
            let place = self.place(connection, uid);
            let observed = self.account.facts.lock().observed(place, &token);
            connection.require(observed);
        }
    }

    /// Returns some messages whose tokens are known, as places and as a set.
    fn some(&mut self, connection: &Connection) -> Option<(Vec<Place>, String)> {
        let known = connection.view.known();
        let mut places = Vec::new();
        for _ in 0..=self.random.below(3) {
            let uid = *self.random.pick(&known)?;
            let place = self.place(connection, uid);
            let is_known = self.account.facts.lock().token_at(&place).is_some();
            if is_known && !places.contains(&place) {
                places.push(place);
            }
        }
        let uids: Vec<String> = places.iter().map(|place| place.uid.to_string()).collect();
        (!uids.is_empty()).then(|| (places, uids.join(",")))
    }

    fn message(&mut self) -> (Token, Vec<u8>) {
        self.sent += 1;
        let token = format!("{}-{}-{:x}", self.name, self.sent, self.random.draw());
        let length = match self.random.below(100) {
            0..2 => OCTETS_LARGE,
            _ => self.random.below(OCTETS_USUAL_MAX),
        };
        let mut noise = vec![0; usize::try_from(length).unwrap_or(0)];
        self.random.fill(&mut noise);
        let mut octets = format!("X-Chk: {token}\r\nSubject: {}\r\n\r\n", self.sent).into_bytes();
        octets.extend(noise.iter().map(|octet| b' ' + octet % 90));
        (token, octets)
    }

    async fn append(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        let (token, octets) = self.message();
        self.account.facts.lock().sending(&token, &octets);
        let answered = connection.append(self.mailbox, &octets).await?;
        if answered.is_unknown() {
            self.account.history.lock().imap_unknown();
            return Ok(());
        }
        if !answered.is_ok() {
            self.account.facts.lock().refused(&token);
            return Ok(());
        }
        let place = answered.with_code("APPENDUID").and_then(|response| {
            let mut words = response.text.split_once("[APPENDUID ")?.1.split([' ', ']']);
            Some(Place {
                mailbox: self.mailbox,
                uid_validity: words.next()?.parse().ok()?,
                uid: words.next()?.parse().ok()?,
            })
        });
        let Some(place) = place else {
            connection.violation("APPEND was answered without APPENDUID");
            return Ok(());
        };
        let noted = self.account.facts.lock().acknowledged(&token, place);
        connection.require(noted);
        Ok(())
    }

    /// Reads messages whole.
    async fn fetch(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        let Some((_, uids)) = self.some(connection) else {
            return connection.command("NOOP").await.map(drop);
        };
        let fetched = connection
            .command(&format!("UID FETCH {uids} (UID RFC822.SIZE BODY.PEEK[])"))
            .await?;
        self.take_in(connection, &fetched);
        for response in &fetched.untagged {
            check_content(&self.account, connection, response);
        }
        Ok(())
    }

    async fn store(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        let Some((places, uids)) = self.some(connection) else {
            return Ok(());
        };
        let flag = match self.random.below(100) {
            0..40 => "\\Deleted",
            40..70 => "\\Seen",
            _ => "\\Flagged",
        };
        if flag == "\\Deleted" {
            self.account.facts.lock().may_be_removed(&places);
        }
        let sign = if self.random.chance(70) { '+' } else { '-' };
        let command = format!("UID STORE {uids} {sign}FLAGS ({flag})");
        connection.command(&command).await.map(drop)
    }

    async fn expunge(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        let command = match self.some(connection) {
            Some((_, uids)) if self.random.chance(50) => format!("UID EXPUNGE {uids}"),
            _ => "EXPUNGE".to_owned(),
        };
        connection.command(&command).await.map(drop)
    }

    async fn transfer(&mut self, connection: &mut Connection, verb: &str) -> Result<(), Lost> {
        let Some((places, uids)) = self.some(connection) else {
            return Ok(());
        };
        let target = self.random.pick(&MAILBOXES).copied().unwrap_or("INBOX");
        let copies = verb == "UID COPY";
        if copies {
            self.account.facts.lock().copying(&places);
        }
        let answered = connection.command(&format!("{verb} {uids} {target}")).await?;
        if answered.is_unknown() {
            self.account.history.lock().imap_unknown();
            return Ok(());
        }
        let copied = answered.is_ok().then(|| copied(&answered)).flatten();
        let (validity, pairs) = copied.unwrap_or_default();
        let done: Vec<u32> = pairs.iter().map(|(from, _)| *from).collect();
        if copies {
            let not: Vec<Place> = places.into_iter().filter(|at| !done.contains(&at.uid)).collect();
            self.account.facts.lock().not_copied(&not);
        }
        for (from, uid) in pairs {
            let from = self.place(connection, from);
            let to = Place {
                mailbox: target,
                uid_validity: validity,
                uid,
            };
            let mut facts = self.account.facts.lock();
            let Some(token) = facts.token_at(&from) else { continue };
            let noted = match copies {
                true => facts.acknowledged(&token, to),
                false => facts.observed(to, &token),
            };
            drop(facts);
            connection.require(noted);
        }
        Ok(())
    }

    /// What was acknowledged to anybody before the question is seen by everybody (RELIABILITY §1.2.27).
    async fn status(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        let mailbox = self.random.pick(&MAILBOXES).copied().unwrap_or("INBOX");
        let highest = self.account.facts.lock().highest(mailbox);
        let answered = connection
            .command(&format!("STATUS {mailbox} (UIDNEXT UIDVALIDITY MESSAGES)"))
            .await?;
        let told = answered.untagged.iter().find(|said| said.text.starts_with("* STATUS"));
        if let Some(next) = told.and_then(|told| told.number_after("UIDNEXT")).filter(|next| *next <= highest) {
            connection.violation(&format!("UIDNEXT of {mailbox} is {next} after UID {highest} was given"));
        }
        Ok(())
    }
}

/// Returns what tells which message it is, out of a header or a whole message.
pub(super) fn token_of(response: &Response) -> Option<Token> {
    let octets = response.literals.first()?;
    let line = octets.split(|octet| *octet == b'\r').next()?;
    let text = std::str::from_utf8(line).ok()?;
    text.strip_prefix("X-Chk: ").map(str::to_owned)
}

/// Checks a message that was fetched whole.
pub(super) fn check_content(account: &MailAccount, connection: &Connection, response: &Response) {
    let (Some(octets), Some(token)) = (response.literals.first(), token_of(response)) else {
        return;
    };
    account.history.lock().imap_content();
    let same = account.facts.lock().content(&token, octets);
    connection.require(same);
    let size = response.number_after("RFC822.SIZE");
    if size.is_some_and(|size| size as usize != octets.len()) {
        connection.violation(&format!("{token} has {} octets and size {size:?}", octets.len()));
    }
}

/// Returns UIDVALIDITY of the target, and each UID with the one that it was given there (RFC 4315 §3).
fn copied(answered: &Answered) -> Option<(u32, Vec<(u32, u32)>)> {
    let text = &answered.with_code("COPYUID")?.text;
    let (_, rest) = text.split_once("[COPYUID ")?;
    let mut words = rest.split([' ', ']']);
    let validity = words.next()?.parse().ok()?;
    let (from, to) = (uids(words.next()?)?, uids(words.next()?)?);
    Some((validity, from.into_iter().zip(to).collect()))
}

fn uids(set: &str) -> Option<Vec<u32>> {
    let mut uids = Vec::new();
    for range in set.split(',') {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        uids.extend(first..=last);
    }
    Some(uids)
}

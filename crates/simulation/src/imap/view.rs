//! What one session was told of its mailbox, and whether it could be told so (RFC 9051 §7.4.1, §7.5.1).

use super::wire::Response;

/// The mailbox as the untagged responses of a session leave it.
#[derive(Clone, Default, Debug)]
pub(crate) struct SessionView {
    /// UIDs by sequence number, as far as they were told.
    uids: Vec<Option<u32>>,
    pub(crate) uid_validity: Option<u32>,
}

impl SessionView {
    /// Counts the messages.
    pub(crate) fn exists(&self) -> usize {
        self.uids.len()
    }

    /// Lists the UIDs that were told.
    pub(crate) fn known(&self) -> Vec<u32> {
        self.uids.iter().flatten().copied().collect()
    }

    /// Counts the first messages whose UIDs were not told.
    pub(crate) fn untold(&self, first: usize) -> usize {
        self.uids.iter().take(first).filter(|uid| uid.is_none()).count()
    }

    /// Takes an untagged response in that came while this command was under way; none, when nothing was.
    ///
    /// # Errors
    /// When it must not have come.
    pub(crate) fn hear(&mut self, response: &Response, command: &str) -> Result<(), String> {
        if let Some(validity) = response.number_after("UIDVALIDITY") {
            if command.starts_with("SELECT") {
                self.uid_validity = Some(validity);
            }
            return Ok(());
        }
        let Some((number, kind)) = response.numbered() else {
            return Ok(());
        };
        let number = number as usize;
        match kind {
            "EXISTS" => self.grow(number),
            "EXPUNGE" => self.lose(number, command),
            "FETCH" => match response.number_after("UID") {
                Some(uid) => self.name(number, uid),
                None if number == 0 || number > self.uids.len() => {
                    Err(format!("message {number} of {} was fetched", self.uids.len()))
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn grow(&mut self, exists: usize) -> Result<(), String> {
        let before = self.uids.len();
        if exists < before {
            return Err(format!("EXISTS went from {before} to {exists} without EXPUNGE"));
        }
        self.uids.resize(exists, None);
        Ok(())
    }

    fn lose(&mut self, number: usize, command: &str) -> Result<(), String> {
        let forbidden = ["", "FETCH", "STORE", "SEARCH"];
        let verb = command.split(' ').next().unwrap_or_default();
        if forbidden.contains(&verb) {
            return Err(format!("EXPUNGE {number} was told during {command:?}"));
        }
        if number == 0 || number > self.uids.len() {
            return Err(format!("message {number} of {} was expunged", self.uids.len()));
        }
        self.uids.remove(number - 1);
        Ok(())
    }

    fn name(&mut self, number: usize, uid: u32) -> Result<(), String> {
        let count = self.uids.len();
        let place = number.checked_sub(1).and_then(|place| self.uids.get_mut(place));
        let Some(place) = place else {
            return Err(format!("message {number} of {count} has UID {uid}"));
        };
        if place.is_some_and(|known| known != uid) {
            return Err(format!("message {number} had UID {place:?} and has {uid}"));
        }
        *place = Some(uid);
        let known = self.known();
        match known.windows(2).all(|pair| pair.first() < pair.last()) {
            true => Ok(()),
            false => Err(format!("UIDs do not rise with sequence numbers: {known:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(view: &mut SessionView, text: &str, command: &str) -> Result<(), String> {
        let response = Response {
            text: text.to_owned(),
            ..Response::default()
        };
        view.hear(&response, command)
    }

    #[test]
    fn a_session_is_told_only_what_fits() {
        let mut view = SessionView::default();
        assert_eq!(hear(&mut view, "* 2 EXISTS", "SELECT INBOX"), Ok(()));
        assert_eq!(hear(&mut view, "* 1 FETCH (UID 4)", "FETCH 1:*"), Ok(()));
        assert_eq!(hear(&mut view, "* 2 FETCH (UID 9)", "FETCH 1:*"), Ok(()));
        assert!(hear(&mut view, "* 2 FETCH (UID 8)", "NOOP").is_err());
        assert!(hear(&mut view, "* 1 EXISTS", "NOOP").is_err());
        assert!(hear(&mut view, "* 1 EXPUNGE", "FETCH 1:* (UID)").is_err());
        assert!(hear(&mut view, "* 1 EXPUNGE", "").is_err());
        assert!(hear(&mut view, "* 3 EXPUNGE", "NOOP").is_err());
        assert_eq!(hear(&mut view, "* 1 EXPUNGE", "UID FETCH 1:* (UID)"), Ok(()));
        assert_eq!(view.known(), [9]);
    }
}

//! Mailboxes that one client alone makes, renames, fills and deletes.

use history::{Command, Response};
use rand::Rng;
use rand::seq::IteratorRandom;

use super::worker::Worker;

/// Mailboxes of a client at most.
const MAILBOXES_MAX: usize = 4;

/// A client's own mailboxes.
#[derive(Debug)]
pub struct Cold {
    root: String,
    made: u32,
    /// Names with the UIDVALIDITY, where it was told.
    mailboxes: Vec<(String, Option<u32>)>,
}

impl Cold {
    pub fn new(owner: &str) -> Self {
        Self {
            root: format!("cold-{owner}"),
            made: 0,
            mailboxes: Vec::new(),
        }
    }
}

impl Worker {
    /// Does something with names.
    pub fn change_names(&mut self) -> Option<()> {
        match self.random.random_range(0..20) {
            0..5 => self.create(),
            5..8 => self.delete(),
            8..11 => self.rename(),
            11..13 => self.client.run(Command::List, "LIST \"\" *").map(drop),
            13..14 => self.client.run(Command::Lsub, "LSUB \"\" *").map(drop),
            14..16 => self.subscribe(),
            16..18 => self.fill(),
            _ => self.visit(),
        }
    }

    fn any_cold(&mut self) -> Option<usize> {
        (0..self.cold.mailboxes.len()).choose(&mut self.random)
    }

    fn create(&mut self) -> Option<()> {
        if self.cold.mailboxes.len() >= MAILBOXES_MAX {
            return self.delete();
        }
        // Few names, so that they come again.
        let number = self.random.random_range(0..MAILBOXES_MAX + 2);
        let name = format!("{}-{number}", self.cold.root);
        if self.cold.mailboxes.iter().any(|(known, _)| *known == name) {
            return self.visit();
        }
        let wire = format!("CREATE {name}");
        let reply = self.client.run(Command::Create { name: name.clone() }, wire)?;
        // Whoever was not answered does not know, and asks by trying.
        if reply.is_ok() || reply.code.starts_with("ALREADYEXISTS") {
            self.cold.mailboxes.push((name, None));
            return self.ask();
        }
        Some(())
    }

    /// Asks for the UIDVALIDITY of the newest mailbox.
    fn ask(&mut self) -> Option<()> {
        let Some((name, _)) = self.cold.mailboxes.last().cloned() else {
            return Some(());
        };
        let wire = format!("STATUS {name} (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
        let reply = self.client.run(Command::Status { name }, wire)?;
        let validity = reply.lines.iter().find_map(|line| match Response::parse(line) {
            Response::Status { items, .. } => u32::try_from(*items.get("UIDVALIDITY")?).ok(),
            _ => None,
        });
        if let Some((_, known)) = self.cold.mailboxes.last_mut() {
            *known = validity;
        }
        Some(())
    }

    /// Deletes a mailbox whose UIDVALIDITY is known: who checks must know which messages go with it.
    fn delete(&mut self) -> Option<()> {
        let Some(at) = self.any_cold() else {
            return self.create();
        };
        let (name, validity) = self.cold.mailboxes.remove(at);
        let Some(validity) = validity else {
            self.cold.mailboxes.push((name, None));
            return self.ask();
        };
        if self.view().is_some_and(|view| view.name == name) {
            let hot = self.any_hot();
            self.select(&hot, true)?;
        }
        self.client.about = Some(validity);
        let wire = format!("DELETE {name}");
        let reply = self.client.run(Command::Delete { name: name.clone() }, wire)?;
        if !reply.is_ok() && !reply.code.starts_with("NONEXISTENT") {
            self.cold.mailboxes.push((name, Some(validity)));
        }
        Some(())
    }

    fn rename(&mut self) -> Option<()> {
        let Some(at) = self.any_cold() else {
            return self.create();
        };
        let (from, validity) = self.cold.mailboxes.get(at).cloned()?;
        if self.view().is_some_and(|view| view.name == from) {
            return self.visit();
        }
        self.cold.made += 1;
        let to = format!("{}-r{}", self.cold.root, self.cold.made);
        let command = Command::Rename {
            from: from.clone(),
            to: to.clone(),
        };
        self.cold.mailboxes.remove(at);
        // Without an answer it may be found under either name, and is left alone.
        let reply = self.client.run(command, format!("RENAME {from} {to}"))?;
        match reply.is_ok() {
            true => self.cold.mailboxes.push((to, validity)),
            false => self.cold.mailboxes.push((from, validity)),
        }
        self.ask()
    }

    fn subscribe(&mut self) -> Option<()> {
        let Some(at) = self.any_cold() else {
            return self.create();
        };
        let (name, _) = self.cold.mailboxes.get(at).cloned()?;
        let subscribed = self.random.random_bool(0.5);
        let verb = if subscribed { "SUBSCRIBE" } else { "UNSUBSCRIBE" };
        let wire = format!("{verb} {name}");
        self.client
            .run(Command::Subscribe { name, subscribed }, wire)
            .map(drop)
    }

    fn fill(&mut self) -> Option<()> {
        let Some(at) = self.any_cold() else {
            return self.create();
        };
        let (name, _) = self.cold.mailboxes.get(at).cloned()?;
        self.append_to(&name, false)
    }

    fn visit(&mut self) -> Option<()> {
        let Some(at) = self.any_cold() else {
            return self.create();
        };
        let (name, _) = self.cold.mailboxes.get(at).cloned()?;
        self.select(&name, true)
    }
}

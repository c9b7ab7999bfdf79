//! mbsync: an account and a Maildir that become the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::server::Access;
use crate::{Program, Scratch, mail};

/// The near side of an account, and what brings both together.
#[derive(Debug)]
pub struct Mbsync {
    scratch: Scratch,
    rules: PathBuf,
}

impl Mbsync {
    /// Begins with an empty near side.
    #[must_use]
    pub fn new(access: &Access) -> Self {
        let scratch = Scratch::new();
        let near = scratch.folder("near");
        let state = scratch.folder("state");
        // A command may take for as long as the storage has patience, which is more than mbsync has by itself.
        let rules = format!(
            "IMAPStore far\nTimeout 50\nHost localhost\nPort {port}\nUser \"{user}\"\nPass \"{password}\"\n\
             SSLType IMAPS\nSystemCertificates no\nCertificateFile {authority}\n\n\
             MaildirStore near\nPath {near}/\nInbox {near}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState {state}/\n",
            port = access.imaps.port(),
            user = access.user,
            password = access.password,
            authority = access.certificates.authority.display(),
            near = near.display(),
            state = state.display(),
        );
        Self {
            rules: scratch.file("mbsyncrc", rules),
            scratch,
        }
    }

    /// Brings both sides together and returns what mbsync said.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self) -> String {
        Program::new("mbsync")
            .home(self.scratch.path())
            .arguments(["--verbose", "--config"])
            .arguments([&self.rules])
            .arguments(["all"])
            .succeed()
    }

    /// Returns where the near side lies.
    #[must_use]
    pub fn near(&self) -> PathBuf {
        self.scratch.join("near")
    }

    /// Returns the path and content of each message of a mailbox, by subject.
    #[must_use]
    pub fn messages(&self, mailbox: &str) -> BTreeMap<String, (PathBuf, Vec<u8>)> {
        let folders = ["cur", "new"].map(|folder| self.near().join(mailbox).join(folder));
        let files = folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
        let messages = files.filter_map(|entry| {
            let path = entry.ok()?.path();
            let content = std::fs::read(&path).ok()?;
            Some((mail::header(&content, "Subject")?, (path, content)))
        });
        messages.collect()
    }

    /// Returns the subjects of a mailbox in alphabetical order.
    #[must_use]
    pub fn subjects(&self, mailbox: &str) -> Vec<String> {
        self.messages(mailbox).into_keys().collect()
    }

    /// Puts a message into a mailbox as a local program would.
    ///
    /// # Panics
    /// When there is no place for it.
    pub fn deposit(&self, mailbox: &str, subject: &str) {
        let name = format!("1700000000.{subject}.localhost");
        let text = mail::message(subject, "from the near side");
        let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(self.near().join(mailbox).join(folder)).expect("a Maildir");
        }
        std::fs::write(self.near().join(mailbox).join("new").join(name), text).expect("a message");
    }

    /// Marks a message with the letters of Maildir.
    ///
    /// # Panics
    /// When it is not there.
    pub fn mark(&self, mailbox: &str, subject: &str, letters: &str) {
        let messages = self.messages(mailbox);
        let (path, _) = messages.get(subject).expect("the message to mark");
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (base, _) = name.split_once(":2,").unwrap_or((&name, ""));
        let marked = self
            .near()
            .join(mailbox)
            .join("cur")
            .join(format!("{base}:2,{letters}"));
        std::fs::rename(path, marked).expect("a new name");
    }
}

/// Returns each file below a directory with its content.
#[must_use]
pub fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => open.push(path),
                false => drop(files.insert(path.clone(), std::fs::read(&path).unwrap_or_default())),
            }
        }
    }
    files
}

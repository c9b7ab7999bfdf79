//! Which names a listing has, found in one pass over the sorted tree.

use std::collections::BTreeMap;

use imap_wire::list_match::Pattern;
use imap_wire::types::ListSelection;
use mailstore::mailbox::{Mailbox, SpecialUse};
use mailstore::name::SEPARATOR;
use mailstore::query::{MailboxTree, TreeEntry};

/// What a client wants to see.
pub(super) struct Wanted {
    pub(super) patterns: Vec<Pattern>,
    pub(super) selection: ListSelection,
}

/// One name to be listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed<'a> {
    pub(super) name: &'a str,
    /// The mailbox, unless there is none of that name.
    pub(super) mailbox: Option<&'a Mailbox>,
    pub(super) subscribed: bool,
    pub(super) has_children: bool,
    /// Something below was selected that the client may not see otherwise (RFC 5258 §3.5).
    pub(super) child_info: bool,
}

/// A name with what is known of it and of the names below it.
#[derive(Default)]
struct Node<'a> {
    entry: Option<&'a TreeEntry>,
    has_children: bool,
    /// Some name below meets the selection.
    selected_below: bool,
    /// Some name below meets the selection and matches no pattern.
    hidden_below: bool,
}

impl Wanted {
    /// Returns the names, sorted.
    pub(super) fn select<'a>(&self, tree: &'a MailboxTree) -> Vec<Listed<'a>> {
        let nodes = self.nodes(tree);
        nodes
            .iter()
            .filter_map(|(name, node)| self.listed(name, node))
            .collect()
    }

    /// Lists every name and every level above one, and passes upwards what levels must know.
    fn nodes<'a>(&self, tree: &'a MailboxTree) -> BTreeMap<&'a str, Node<'a>> {
        let mut nodes: BTreeMap<&str, Node<'_>> = BTreeMap::new();
        for entry in &tree.entries {
            let name = entry.name.as_str();
            nodes.entry(name).or_default().entry = Some(entry);
            let (selected, exists) = (self.selects(entry), entry.mailbox.is_some());
            let hidden = selected && !self.matches(name);
            for (end, _) in name.match_indices(SEPARATOR) {
                let Some(level) = name.get(..end) else { continue };
                let above = nodes.entry(level).or_default();
                above.has_children |= exists;
                above.selected_below |= selected;
                above.hidden_below |= hidden;
            }
        }
        nodes
    }

    fn listed<'a>(&self, name: &'a str, node: &Node<'a>) -> Option<Listed<'a>> {
        let recursive = self.selection.recursive_match;
        let own = node.entry.is_some_and(|entry| self.selects(entry));
        // Without RECURSIVEMATCH a level that leads to mailboxes is listed although there is no mailbox
        // of that name (RFC 3501 §6.3.8, `%`).
        let level = !self.is_selective() && node.has_children;
        let shown = own || level || (recursive && node.hidden_below);
        if !shown || !self.matches(name) {
            return None;
        }
        Some(Listed {
            name,
            mailbox: node.entry.and_then(|entry| entry.mailbox.as_ref()),
            subscribed: node.entry.is_some_and(|entry| entry.subscribed),
            has_children: node.has_children,
            child_info: recursive && node.selected_below,
        })
    }

    fn matches(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    fn is_selective(&self) -> bool {
        self.selection.subscribed || self.selection.special_use
    }

    /// Tells whether an entry meets the selection: all of its options, existing mailboxes without any.
    fn selects(&self, entry: &TreeEntry) -> bool {
        let special = |mailbox: &Mailbox| mailbox.special_use != SpecialUse::NONE;
        let used = !self.selection.special_use || entry.mailbox.as_ref().is_some_and(special);
        let subscribed = !self.selection.subscribed || entry.subscribed;
        used && subscribed && (self.is_selective() || entry.mailbox.is_some())
    }
}

#[cfg(test)]
mod tests {
    use mailstore::name::MailboxName;
    use mailstore::{MailboxId, ModSeq, UidValidity};

    use super::*;

    /// Makes a tree of `name`, `name!` (subscribed), `(name)!` (subscribed only).
    fn tree(names: &[&str]) -> MailboxTree {
        let mut entries: Vec<TreeEntry> = names.iter().map(|name| entry(name)).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        MailboxTree { entries }
    }

    fn entry(text: &str) -> TreeEntry {
        let subscribed = text.ends_with('!');
        let exists = !text.starts_with('(');
        let name = MailboxName::parse(text.trim_matches(['!', '(', ')'])).unwrap();
        TreeEntry {
            mailbox: exists.then(|| mailbox(name.clone())),
            name,
            subscribed,
        }
    }

    fn mailbox(name: MailboxName) -> Mailbox {
        Mailbox {
            id: MailboxId(1),
            name,
            uid_validity: UidValidity::new(1).unwrap(),
            uid_next: None,
            highest_modseq: ModSeq(1),
            expunge_floor: ModSeq(1),
            first_recent_uid: None,
            messages: 0,
            recent: 0,
            unseen: 0,
            deleted: 0,
            size_bytes: 0,
            special_use: SpecialUse::NONE,
            keywords: Vec::new(),
            created: mailstore::time::Timestamp(0),
        }
    }

    /// Lists `pattern` and writes each name with `-` (no mailbox), `!` (subscribed), `+` (children),
    /// `?` (CHILDINFO).
    fn check(names: &[&str], pattern: &str, selection: ListSelection, expected: &[&str]) {
        let wanted = Wanted {
            patterns: vec![Pattern::new(pattern).unwrap()],
            selection,
        };
        let tree = tree(names);
        let show = |listed: &Listed<'_>| {
            let mark = |set: bool, mark: &'static str| if set { mark } else { "" };
            [
                listed.name,
                mark(listed.mailbox.is_none(), "-"),
                mark(listed.subscribed, "!"),
                mark(listed.has_children, "+"),
                mark(listed.child_info, "?"),
            ]
            .concat()
        };
        let listed: Vec<String> = wanted.select(&tree).iter().map(show).collect();
        assert_eq!(listed, expected, "{pattern}");
    }

    const ALL: ListSelection = ListSelection {
        subscribed: false,
        remote: false,
        recursive_match: false,
        special_use: false,
    };
    const SUBSCRIBED: ListSelection = ListSelection {
        subscribed: true,
        ..ALL
    };
    const RECURSIVE: ListSelection = ListSelection {
        recursive_match: true,
        ..SUBSCRIBED
    };

    #[test]
    fn wildcards_stop_where_they_should() {
        let names = ["INBOX", "a", "a/b", "a/b/c"];
        check(&names, "*", ALL, &["INBOX", "a+", "a/b+", "a/b/c"]);
        check(&names, "%", ALL, &["INBOX", "a+"]);
        check(&names, "a/%", ALL, &["a/b+"]);
        check(&names, "inbox", ALL, &["INBOX"]);
    }

    /// RFC 3501 §6.3.8: levels without a mailbox are listed where `%` stops at them.
    #[test]
    fn levels_without_a_mailbox_are_listed() {
        check(&["a/b", "INBOX"], "%", ALL, &["INBOX", "a-+"]);
    }

    #[test]
    fn subscriptions_outlive_mailboxes() {
        let names = ["a", "b!", "(gone)!"];
        check(&names, "*", SUBSCRIBED, &["b!", "gone-!"]);
        check(&names, "*", ALL, &["a", "b!"]);
    }

    /// RFC 5258 §5, examples 7 to 9, in their spirit.
    #[test]
    fn parents_are_listed_for_what_lies_below() {
        let names = ["Foo", "Foo/Bar!", "Moo!"];
        check(&names, "%", RECURSIVE, &["Foo+?", "Moo!"]);
        check(&names, "*", RECURSIVE, &["Foo/Bar!", "Moo!"]);
        check(&["Foo!", "Foo/Bar!"], "%", RECURSIVE, &["Foo!+?"]);
        check(&["(Foo/Baz)!"], "%", RECURSIVE, &["Foo-?"]);
    }
}

//! BODY and BODYSTRUCTURE (RFC 3501 §7.4.2).

use imap_wire::encode::{list, list_close, list_open, nil, nstring, number, space, string};

use super::content::Content;
use super::envelope::{Addresses, parse_envelope};
use super::part::{Node, PartKind};
use crate::header::parameter::{Parameter, parameter};
use crate::limits::NESTED_ADDRESS_BYTES_MAX;

/// Which of the two forms to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// BODY: without extension data.
    Basic,
    /// BODYSTRUCTURE: with extension data.
    Extended,
}

/// Appends `body` (RFC 3501 §9) of the whole tree.
pub(crate) fn write_body(out: &mut Vec<u8>, message: &[u8], nodes: &[Node], form: Form) {
    let mut writer = Writer {
        out,
        message,
        nodes,
        form,
        steps: vec![Step::Open(0)],
        address_budget: NESTED_ADDRESS_BYTES_MAX,
    };
    while let Some(step) = writer.steps.pop() {
        writer.step(&step);
    }
}

/// What is left to write, last in first out: a recursion whose depth costs no stack.
#[derive(Debug)]
enum Step {
    Open(usize),
    Close(usize),
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    message: &'a [u8],
    nodes: &'a [Node],
    form: Form,
    steps: Vec<Step>,
    /// What is left of [`NESTED_ADDRESS_BYTES_MAX`].
    address_budget: usize,
}

impl<'a> Writer<'a> {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Open(at) => {
                if let Some(node) = self.nodes.get(at) {
                    self.steps.push(Step::Close(at));
                    list_open(self.out);
                    self.open(node);
                }
            }
            Step::Close(at) => {
                if let Some(node) = self.nodes.get(at) {
                    self.close(node);
                    list_close(self.out);
                }
            }
        }
    }

    fn open(&mut self, node: &'a Node) {
        match node.kind {
            PartKind::Multipart if node.children.is_empty() => self.absent_part(),
            PartKind::Multipart => {}
            PartKind::Leaf => self.single_part(node),
            PartKind::Message => {
                self.single_part(node);
                let inner = node.children.first().and_then(|child| self.nodes.get(*child));
                space(self.out);
                let header = inner
                    .map(|inner| inner.header.of(self.message))
                    .unwrap_or_default();
                let wanted = if self.address_budget == 0 {
                    Addresses::LeftOut
                } else {
                    Addresses::Read
                };
                parse_envelope(header, wanted).write(self.out, &mut self.address_budget);
                space(self.out);
            }
        }
        self.steps
            .extend(node.children.iter().rev().map(|child| Step::Open(*child)));
    }

    fn close(&mut self, node: &Node) {
        let content = &node.content;
        if node.kind == PartKind::Multipart {
            space(self.out);
            string(
                self.out,
                content
                    .media_type
                    .as_ref()
                    .map(|m| m.sub.as_slice())
                    .unwrap_or_default(),
            );
            if self.form == Form::Extended {
                space(self.out);
                parameters(self.out, content.parameters());
                common_extension(self.out, content);
            }
            return;
        }
        if node.is_text() || node.kind == PartKind::Message {
            space(self.out);
            number(self.out, u64::from(node.lines));
        }
        if self.form == Form::Extended {
            space(self.out);
            nstring(self.out, content.md5.as_deref());
            common_extension(self.out, content);
        }
    }

    /// Stands for a multipart without a part, which `body-type-mpart = 1*body SP media-subtype` has no
    /// form for (RFC 3501 §9).
    fn absent_part(&mut self) {
        self.out
            .extend_from_slice(b"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0");
        if self.form == Form::Extended {
            self.out.extend_from_slice(b" NIL NIL NIL NIL");
        }
        list_close(self.out);
    }

    /// Text without a charset is sent with its default (RFC 2046 §4.1.2).
    ///
    /// Appends `media-basic / media-message / media-text` and `body-fields` (RFC 3501 §9).
    fn single_part(&mut self, node: &Node) {
        let content = &node.content;
        match (&content.media_type, node.kind) {
            // `media-message = DQUOTE "MESSAGE" DQUOTE SP DQUOTE "RFC822" DQUOTE` (RFC 3501 §9)
            (_, PartKind::Message) => self.out.extend_from_slice(b"\"message\" \"rfc822\""),
            // What lies beyond the limits is opaque, and those two types promise more than that.
            (Some(media_type), PartKind::Leaf) if media_type.has_structure() => {
                self.out.extend_from_slice(b"\"application\" \"octet-stream\"");
            }
            (Some(media_type), _) => {
                string(self.out, &media_type.main);
                space(self.out);
                string(self.out, &media_type.sub);
            }
            (None, _) => self.out.extend_from_slice(b"\"text\" \"plain\""),
        }
        space(self.out);
        let mut sent = content.parameters().to_vec();
        if node.is_text() && parameter(&sent, "charset").is_none() {
            sent.push(Parameter {
                name: b"charset".to_vec(),
                value: b"us-ascii".to_vec(),
            });
        }
        parameters(self.out, &sent);
        for field in [&content.id, &content.description] {
            space(self.out);
            nstring(self.out, field.as_deref());
        }
        space(self.out);
        string(self.out, content.transfer_encoding.as_deref().unwrap_or(b"7bit"));
        space(self.out);
        number(self.out, u64::from(node.body.len()));
    }
}

/// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil` (RFC 3501 §9)
fn parameters(out: &mut Vec<u8>, parameters: &[Parameter]) {
    match parameters {
        [] => nil(out),
        some => list(out, some, |out, parameter| {
            string(out, &parameter.name);
            space(out);
            string(out, &parameter.value);
        }),
    }
}

/// Appends disposition, languages and location, which all forms of extension data end with.
fn common_extension(out: &mut Vec<u8>, content: &Content) {
    space(out);
    match &content.disposition {
        None => nil(out),
        Some(disposition) => {
            list_open(out);
            string(out, &disposition.kind);
            space(out);
            parameters(out, &disposition.parameters);
            list_close(out);
        }
    }
    space(out);
    match content.languages.as_slice() {
        [] => nil(out),
        languages => list(out, languages, |out, language| string(out, language)),
    }
    space(out);
    nstring(out, content.location.as_deref());
}

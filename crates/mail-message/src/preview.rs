//! The preview: the start of what a person would read (RFC 8970 §3.1).

use crate::header::parameter::parameter;
use crate::limits::{PREVIEW_CHARS_MAX, PREVIEW_SOURCE_BYTES_MAX};
use crate::mime::part::{Node, PartKind};
use crate::text::markup::strip_markup;
use crate::text::stream::TextDecoder;

/// Returns the preview text of a message, on one line, at most [`PREVIEW_CHARS_MAX`] characters.
pub(crate) fn preview(message: &[u8], nodes: &[Node]) -> String {
    let shown = |node: &&Node| node.kind == PartKind::Leaf && node.is_text() && !is_attachment(node);
    let mut texts = nodes.iter().filter(shown);
    // The plain version of a text is the sender's own rendering of it (RFC 2046 §5.1.4).
    let chosen = texts.clone().find(|node| !is_html(node)).or_else(|| texts.next());
    chosen
        .map(|node| one_line(&readable(message, node)))
        .unwrap_or_default()
}

fn readable(message: &[u8], node: &Node) -> String {
    let body = node.body.of(message);
    let start = body.get(..PREVIEW_SOURCE_BYTES_MAX).unwrap_or(body);
    let charset = parameter(node.content.parameters(), "charset").unwrap_or_default();
    let mut decoder = TextDecoder::new(node.encoding(), charset);
    let mut text = String::new();
    decoder.push(start, &mut text);
    decoder.finish(&mut text);
    if !is_html(node) {
        return text;
    }
    let mut shown = String::new();
    strip_markup(&text, &mut shown);
    shown
}

fn is_html(node: &Node) -> bool {
    node.content
        .media_type
        .as_ref()
        .is_some_and(|media_type| media_type.is("text", "html"))
}

fn is_attachment(node: &Node) -> bool {
    let disposition = node.content.disposition.as_ref();
    disposition.is_some_and(|disposition| disposition.kind.eq_ignore_ascii_case(b"attachment"))
}

/// Joins the words of all lines but quoted ones, which the reader knows already.
fn one_line(text: &str) -> String {
    let mut out = String::new();
    let lines = text.lines().filter(|line| !line.starts_with('>'));
    let printable = |word: &&str| !word.chars().any(char::is_control);
    let mut chars = 0;
    for word in lines.flat_map(str::split_whitespace).filter(printable) {
        let gap = usize::from(!out.is_empty());
        chars += gap + word.chars().count();
        out.extend(std::iter::repeat_n(' ', gap));
        out.push_str(word);
        if chars >= PREVIEW_CHARS_MAX {
            break;
        }
    }
    out.chars().take(PREVIEW_CHARS_MAX).collect()
}

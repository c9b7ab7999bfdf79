//! HTML to text, as far as a preview needs it.

/// Appends `html` without tags, comments, scripts and style sheets.
pub(crate) fn strip_markup(html: &str, out: &mut String) {
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        push_unescaped(text, out);
        rest = match hidden_element(tag) {
            Some(end) => after(tag, end),
            None => {
                out.push(' ');
                after(tag, ">")
            }
        };
    }
    push_unescaped(rest, out);
}

/// Returns what ends an element whose content is not shown.
fn hidden_element(tag: &str) -> Option<&'static str> {
    const HIDDEN: [(&str, &str); 5] = [
        ("!--", "-->"),
        ("script", "</script>"),
        ("style", "</style>"),
        ("head", "</head>"),
        ("title", "</title>"),
    ];
    let start = |name: &str| {
        tag.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let named = |name: &str| {
        let next = tag.get(name.len()..).and_then(|rest| rest.chars().next());
        name == "!--" || next.is_none_or(|next| !next.is_ascii_alphanumeric())
    };
    HIDDEN
        .iter()
        .find(|(name, _)| start(name) && named(name))
        .map(|(_, end)| *end)
}

/// Returns what follows the first `end`, ignoring case.
fn after<'t>(text: &'t str, end: &str) -> &'t str {
    let found = text
        .as_bytes()
        .windows(end.len())
        .position(|w| w.eq_ignore_ascii_case(end.as_bytes()));
    found
        .and_then(|at| text.get(at + end.len()..))
        .unwrap_or_default()
}

fn push_unescaped(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        out.push_str(before);
        let known = entity
            .split_once(';')
            .and_then(|(name, behind)| Some((character(name)?, behind)));
        rest = match known {
            Some((character, behind)) => {
                out.push(character);
                behind
            }
            None => {
                out.push('&');
                entity
            }
        };
    }
    out.push_str(rest);
}

fn character(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        let mut out = String::new();
        strip_markup(html, &mut out);
        assert_eq!(out.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn only_shown_text_is_left() {
        check(
            "<head><title>T</title></head><p class=\"a\">Hello&nbsp;<b>you</b></p><br>",
            "Hello you",
        );
        check("a<style>b</STYLE>c<!-- d > -->e", "ace");
        check("1 &lt; 2 &amp; &#x41;&unknown; &", "1 < 2 & A&unknown; &");
        check("cut <off", "cut");
    }
}

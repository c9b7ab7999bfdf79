//! Address lists, written down in a short form.

use super::*;

/// Writes an address list down as `name|route|local|domain` elements.
fn check(body: &str, expected: &[&str]) {
    let mut list = Vec::new();
    parse_addresses(body.as_bytes(), &mut list);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let found: Vec<String> = list
        .iter()
        .map(|address| match address {
            Address::Mailbox(m) => format!(
                "{}|{}|{}|{}",
                m.name.as_deref().map(text).unwrap_or_default(),
                m.route.as_deref().map(text).unwrap_or_default(),
                text(&m.local),
                text(&m.domain)
            ),
            Address::GroupStart(name) => format!("{}:", text(name)),
            Address::GroupEnd => ";".to_owned(),
        })
        .collect();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn mailboxes() {
    check("a@b", &["||a|b"]);
    check("<a@b>", &["||a|b"]);
    check(
        "\"J. \\\"D\\\" Doe\" <j.d@x.y>, K <k@z>",
        &["J. \"D\" Doe||j.d|x.y", "K||k|z"],
    );
    check("a@b (A (nested) name)", &["A (nested) name||a|b"]);
    check("a @ b . c (x)", &["x||a|b.c"]);
    check("\"quoted local\"@[10.0.0.1]", &["||quoted local|[10.0.0.1]"]);
    check("X <@r1,@r2:a@b>", &["X|@r1,@r2|a|b"]);
}

#[test]
fn groups() {
    check("undisclosed-recipients:;", &["undisclosed-recipients:", ";"]);
    check("G: a@b, C <c@d>; , e@f", &["G:", "||a|b", "C||c|d", ";", "||e|f"]);
    check("Open: a@b", &["Open:", "||a|b", ";"]);
}

#[test]
fn broken_lists_keep_what_was_read() {
    check("", &[]);
    check("just words", &["just words|||"]);
    check("joe", &["||joe|"]);
    check("Joe <joe@b, c@d", &["Joe||joe|SYNTAX_ERROR", "||c|d"]);
    check("Joe <@r joe@b>", &["Joe|INVALID_ROUTE|joe|b"]);
    check("joe@b..c", &["||joe|"]);
    check("a@", &["||a|"]);
}

#[test]
fn lists_are_capped() {
    let mut list = Vec::new();
    parse_addresses(&b"a@b,".repeat(200_000), &mut list);
    assert_eq!(list.len(), ADDRESSES_MAX);
}

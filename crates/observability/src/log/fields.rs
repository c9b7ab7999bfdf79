//! The fields of spans and events, with the private ones withheld.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

use crate::privacy::{WITHHELD, is_private};

/// Fields as text, in order; the message apart.
#[derive(Default)]
pub struct Fields {
    pub message: String,
    pub others: Vec<(&'static str, Value)>,
}

/// A field's value: JSON keeps numbers and booleans as they are.
pub enum Value {
    Text(String),
    Number(String),
}

impl Fields {
    fn push(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            let (Value::Text(text) | Value::Number(text)) = value;
            self.message = text;
        } else if is_private(field.name()) {
            self.others.push((field.name(), Value::Text(WITHHELD.to_owned())));
        } else {
            self.others.push((field.name(), value));
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Value::Number(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Value::Number(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Value::Number(value.to_string()));
    }
}

/// Writes `name=value` pairs on one line: values that would break it are quoted.
pub fn write_pairs(writer: &mut dyn fmt::Write, pairs: &[(&'static str, Value)]) -> fmt::Result {
    for (at, (name, value)) in pairs.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        match value {
            Value::Text(text) if is_plain(text) => write!(writer, "{gap}{name}={text}")?,
            Value::Text(text) => write!(writer, "{gap}{name}={text:?}")?,
            Value::Number(number) => write!(writer, "{gap}{name}={number}")?,
        }
    }
    Ok(())
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '=')
}

/// Formats the fields of a span once, when it is opened; events show them from there.
pub struct SpanFields;

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, record: R) -> fmt::Result {
        let mut fields = Fields::default();
        record.record(&mut fields);
        write_pairs(&mut writer, &fields.others)
    }
}

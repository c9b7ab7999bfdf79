//! One event, one line: for people or as JSON.

use std::fmt;

use serde_json::{Map, Value as Json};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;
use super::fields::{Fields, SpanFields, Value, write_pairs};

/// Writes events as lines.
pub struct LineFormat {
    pub format: LogFormat,
}

/// A span around an event: its name and its fields as text.
struct Around {
    name: &'static str,
    fields: String,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, SpanFields> for LineFormat {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, SpanFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = around(context);
        let line = match self.format {
            LogFormat::Text => text_line(event, &fields, &spans)?,
            LogFormat::Json => json_line(event, fields, &spans)?,
        };
        // A line break inside a message must not look like a second event.
        writeln!(writer, "{}", line.replace('\n', "\\n").replace('\r', "\\r"))
    }
}

/// Returns the spans around an event, outermost first.
fn around<S: Subscriber + for<'a> LookupSpan<'a>>(context: &FmtContext<'_, S, SpanFields>) -> Vec<Around> {
    let spans = context
        .event_scope()
        .into_iter()
        .flat_map(|scope| scope.from_root());
    let shown = spans.map(|span| {
        let extensions = span.extensions();
        let fields = extensions.get::<FormattedFields<SpanFields>>();
        Around {
            name: span.name(),
            fields: fields.map(|fields| fields.fields.clone()).unwrap_or_default(),
        }
    });
    shown.collect()
}

/// Returns the time now as RFC 3339 has it, in UTC.
pub fn timestamp() -> String {
    let mut time = String::new();
    // Writing to a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time
}

fn text_line(event: &Event<'_>, fields: &Fields, spans: &[Around]) -> Result<String, fmt::Error> {
    use fmt::Write;
    let metadata = event.metadata();
    let mut line = format!(
        "{} {:<5} {}: {}",
        timestamp(),
        metadata.level(),
        metadata.target(),
        fields.message
    );
    if !fields.others.is_empty() {
        line.push(' ');
        write_pairs(&mut line, &fields.others)?;
    }
    for (at, span) in spans.iter().enumerate() {
        write!(
            line,
            "{}{}{{{}}}",
            if at == 0 { " in " } else { " › " },
            span.name,
            span.fields
        )?;
    }
    Ok(line)
}

fn json_line(event: &Event<'_>, fields: Fields, spans: &[Around]) -> Result<String, fmt::Error> {
    let metadata = event.metadata();
    let mut object = Map::new();
    object.insert("time".to_owned(), Json::from(timestamp()));
    object.insert(
        "level".to_owned(),
        Json::from(metadata.level().as_str().to_lowercase()),
    );
    object.insert("target".to_owned(), Json::from(metadata.target()));
    object.insert("message".to_owned(), Json::from(fields.message));
    for (name, value) in fields.others {
        let value = match value {
            Value::Text(text) => Json::from(text),
            Value::Number(number) => serde_json::from_str(&number).unwrap_or(Json::from(number)),
        };
        object.entry(name.to_owned()).or_insert(value);
    }
    if !spans.is_empty() {
        let spans = spans
            .iter()
            .map(|span| serde_json::json!({"name": span.name, "fields": span.fields}));
        object.insert("spans".to_owned(), spans.collect());
    }
    serde_json::to_string(&object).map_err(|_| fmt::Error)
}

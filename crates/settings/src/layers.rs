//! The sources of settings, laid over each other: file, environment, command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::problem::{Fault, Origin, Problem};
use crate::value::Raw;

/// A value from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The option's whole key, as in `server.data_dir`.
    pub key: String,
    /// The value in bare words.
    pub value: String,
    /// The argument that carries it, for messages.
    pub argument: String,
}

impl Override {
    /// Returns the override of `key` that `argument` asks for.
    pub fn new(key: impl Into<String>, value: impl Into<String>, argument: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            argument: argument.into(),
        }
    }
}

/// Everything that settings are read from; later fields win over earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The settings file: its name and its text.
    pub file: Option<(PathBuf, String)>,
    /// Environment variables, of which only `FACTEUR_SECTION__KEY` and `FACTEUR_DATA_DIR` are looked at.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub overrides: Vec<Override>,
}

/// Variables with a short name, for what the very first command needs.
pub const SHORT_VARIABLES: &[(&str, &str)] = &[("FACTEUR_DATA_DIR", "server.data_dir")];

const PREFIX: &str = "FACTEUR_";

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Located {
    pub raw: Raw,
    pub origin: Origin,
}

/// The values of each key, the winning one last.
pub type Layers = BTreeMap<String, Vec<Located>>;

/// Lays the sources over each other; what is no TOML is reported.
pub fn collect(sources: &Sources, problems: &mut Vec<Problem>) -> Layers {
    let mut layers = Layers::new();
    if let Some((path, text)) = &sources.file {
        File { path, text }.read(&mut layers, problems);
    }
    for (variable, value) in &sources.environment {
        if let Some(key) = key_of_variable(variable) {
            let origin = Origin::Environment {
                variable: variable.clone(),
            };
            push(&mut layers, key, Raw::Words(value.clone()), origin);
        }
    }
    for item in &sources.overrides {
        let origin = Origin::Argument {
            name: item.argument.clone(),
        };
        push(
            &mut layers,
            item.key.clone(),
            Raw::Words(item.value.clone()),
            origin,
        );
    }
    layers
}

fn push(layers: &mut Layers, key: String, raw: Raw, origin: Origin) {
    layers.entry(key).or_default().push(Located { raw, origin });
}

/// Returns the key that a variable sets; variables without a double underscore belong to somebody else.
fn key_of_variable(variable: &str) -> Option<String> {
    if let Some((_, key)) = SHORT_VARIABLES.iter().find(|(name, _)| *name == variable) {
        return Some((*key).to_owned());
    }
    let (section, name) = variable.strip_prefix(PREFIX)?.split_once("__")?;
    Some(format!("{section}.{name}").to_lowercase())
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn read(&self, layers: &mut Layers, problems: &mut Vec<Problem>) {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let origin = self.origin(error.span().map_or(0, |span| span.start));
            let message = error.message().to_owned();
            problems.push(Problem::new(origin, Fault::Syntax { message }));
        }
        // What recovery makes of a broken file would only add confusing messages.
        if !errors.is_empty() {
            return;
        }
        for (section, value) in document.get_ref() {
            let Some(table) = value.get_ref().as_table() else {
                let origin = self.origin(section.span().start);
                push(
                    layers,
                    section.get_ref().to_string(),
                    raw(value.get_ref()),
                    origin,
                );
                continue;
            };
            for (name, value) in table {
                let key = format!("{}.{}", section.get_ref(), name.get_ref());
                push(layers, key, raw(value.get_ref()), self.origin(name.span().start));
            }
            if table.is_empty() {
                // Kept so that an empty section with a wrong name is found; it sets nothing.
                layers
                    .entry(format!("{}.", section.get_ref()))
                    .or_default()
                    .push(Located {
                        raw: Raw::Other("table"),
                        origin: self.origin(section.span().start),
                    });
            }
        }
    }

    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Origin::File {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column,
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            let digits = i64::from_str_radix(number.as_str(), number.radix());
            digits.map_or(Raw::Other("number beyond 64 bits"), Raw::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().map_or(Raw::Other("float"), Raw::Float),
        DeValue::Boolean(value) => Raw::Boolean(*value),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| raw(item.get_ref())).collect()),
        DeValue::Datetime(_) => Raw::Other("date"),
        DeValue::Table(_) => Raw::Other("table"),
    }
}

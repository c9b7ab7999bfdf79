//! Compatibility of `proto/` with what is already in use: nodes of versions n and n+1 run side by side, and the
//! log keeps entries for long, so a field's number and type never change and a number is never used again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::run::say;

const BASELINE: &str = "proto/baseline.json";

/// What must not change: for each message, enum and service its members by number or name.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Schema {
    /// `package.Message` to field number to type and label.
    messages: BTreeMap<String, BTreeMap<i32, Field>>,
    /// `package.Enum` to value number to name.
    enums: BTreeMap<String, BTreeMap<i32, String>>,
    /// `package.Service.Method` to its request and reply.
    methods: BTreeMap<String, String>,
    /// `package.Message` to the numbers that it reserves, as inclusive ranges.
    reserved: BTreeMap<String, Vec<(i32, i32)>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Field {
    name: String,
    kind: String,
}

/// Fails if `proto/` broke something of the baseline, or grew without the baseline.
pub fn check(root: &Path) -> Result<()> {
    let current = read_schema(root)?;
    let path = root.join(BASELINE);
    if !path.exists() {
        return if current == Schema::default() {
            Ok(())
        } else {
            bail!("{BASELINE} is missing; {BLESS}")
        };
    }
    let baseline: Schema = serde_json::from_str(&std::fs::read_to_string(&path)?).context(BASELINE)?;
    let broken = incompatibilities(&baseline, &current);
    for line in &broken {
        say(&format!("error[proto]: {line}"));
    }
    if !broken.is_empty() {
        bail!("{} incompatible change(s) of proto/", broken.len());
    }
    if baseline != current {
        bail!("proto/ grew compatibly; {BLESS}");
    }
    Ok(())
}

const BLESS: &str = "run `cargo xtask proto --bless` and commit the baseline";

/// Writes the baseline.
pub fn bless(root: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(&read_schema(root)?)?;
    std::fs::write(root.join(BASELINE), text + "\n").context(BASELINE)
}

fn read_schema(root: &Path) -> Result<Schema> {
    let folder = root.join("proto");
    let mut files = Vec::new();
    collect_protos(&folder, &mut files)?;
    if files.is_empty() {
        return Ok(Schema::default());
    }
    files.sort();
    let set = protox::compile(&files, [&folder])?;
    let pool = protox::prost_reflect::DescriptorPool::from_file_descriptor_set(set)?;
    Ok(schema(&pool))
}

fn collect_protos(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

fn schema(pool: &protox::prost_reflect::DescriptorPool) -> Schema {
    let mut schema = Schema::default();
    for message in pool
        .all_messages()
        .filter(|message| !message.full_name().starts_with("google."))
    {
        let field = |field: protox::prost_reflect::FieldDescriptor| {
            let kind = format!("{:?} {:?}", field.cardinality(), field.kind());
            let oneof = field
                .containing_oneof()
                .filter(|_| !field.field_descriptor_proto().proto3_optional());
            let kind = oneof.map_or(kind.clone(), |oneof| format!("{kind} of {}", oneof.name()));
            (
                i32::try_from(field.number()).unwrap_or_default(),
                Field {
                    name: field.name().to_owned(),
                    kind,
                },
            )
        };
        let reserved: Vec<(i32, i32)> = message.reserved_ranges().map(|range| inclusive(&range)).collect();
        if !reserved.is_empty() {
            schema.reserved.insert(message.full_name().to_owned(), reserved);
        }
        schema.messages.insert(
            message.full_name().to_owned(),
            message.fields().map(field).collect(),
        );
    }
    for item in pool
        .all_enums()
        .filter(|item| !item.full_name().starts_with("google."))
    {
        let values = item
            .values()
            .map(|value| (value.number(), value.name().to_owned()));
        schema.enums.insert(item.full_name().to_owned(), values.collect());
    }
    for method in pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        let stream = |is_streaming: bool| if is_streaming { "stream " } else { "" };
        let input = format!(
            "{}{}",
            stream(method.is_client_streaming()),
            method.input().full_name()
        );
        let output = format!(
            "{}{}",
            stream(method.is_server_streaming()),
            method.output().full_name()
        );
        schema
            .methods
            .insert(method.full_name().to_owned(), format!("{input} → {output}"));
    }
    schema
}

fn inclusive(range: &std::ops::Range<u32>) -> (i32, i32) {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    (number(range.start), number(range.end.saturating_sub(1)))
}

/// Returns what of the baseline `current` breaks, one sentence each.
fn incompatibilities(baseline: &Schema, current: &Schema) -> Vec<String> {
    let mut broken = Vec::new();
    for (message, fields) in &baseline.messages {
        let now = current.messages.get(message);
        let reserved = current.reserved.get(message).map_or(&[][..], Vec::as_slice);
        for (number, field) in fields {
            let is_reserved = reserved
                .iter()
                .any(|(first, last)| (*first..=*last).contains(number));
            match now.and_then(|now| now.get(number)) {
                Some(now) if now == field => {}
                Some(now) => broken.push(format!(
                    "{message} field {number} was `{} {}` and is `{} {}`",
                    field.kind, field.name, now.kind, now.name
                )),
                None if is_reserved => {}
                None => broken.push(format!(
                    "{message} field {number} `{}` went without `reserved`",
                    field.name
                )),
            }
        }
    }
    for (name, values) in &baseline.enums {
        for (number, value) in values {
            if current.enums.get(name).and_then(|now| now.get(number)) != Some(value) {
                broken.push(format!("{name} value {number} `{value}` changed or went"));
            }
        }
    }
    for (method, signature) in &baseline.methods {
        if current.methods.get(method) != Some(signature) {
            broken.push(format!("{method} was `{signature}` and changed or went"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str =
        "syntax = \"proto3\"; package a; message M { uint32 x = 1; string y = 2; optional bytes z = 4; }
        enum E { NONE = 0; ONE = 1; } service S { rpc Get(M) returns (stream M); }";

    fn schema_of(text: &str) -> Schema {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(root.path().join("proto")).expect("writable");
        std::fs::write(root.path().join("proto/a.proto"), text).expect("writable");
        read_schema(root.path()).expect("valid protobuf")
    }

    fn case(change: (&str, &str), expected: &[&str]) {
        let after = BEFORE.replace(change.0, change.1);
        assert_ne!(after, BEFORE, "the case changes something");
        let broken = incompatibilities(&schema_of(BEFORE), &schema_of(&after));
        assert_eq!(broken.len(), expected.len(), "{broken:?}");
        for (broken, expected) in broken.iter().zip(expected) {
            assert!(broken.contains(expected), "{broken}");
        }
    }

    #[test]
    fn growth_is_compatible() {
        case(("string y = 2;", "string y = 2; string w = 3;"), &[]);
        case(("ONE = 1;", "ONE = 1; TWO = 2;"), &[]);
        case(("string y = 2;", "reserved 2;"), &[]);
    }

    #[test]
    fn changes_of_what_is_in_use_are_not() {
        case(("uint32 x = 1", "uint64 x = 1"), &["a.M field 1"]);
        case(("string y = 2;", ""), &["went without `reserved`"]);
        case(("string y = 2;", "repeated string y = 2;"), &["a.M field 2"]);
        case(("ONE = 1;", "TWO = 1;"), &["a.E value 1 `ONE`"]);
        case(("returns (stream M)", "returns (M)"), &["a.S.Get"]);
    }

    #[test]
    fn growth_must_be_blessed() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let proto = root.path().join("proto");
        std::fs::create_dir(&proto).expect("writable");
        assert!(check(root.path()).is_ok(), "no protobuf, no baseline");
        std::fs::write(proto.join("a.proto"), BEFORE).expect("writable");
        assert!(check(root.path()).is_err(), "the baseline is missing");
        bless(root.path()).expect("writable");
        assert!(check(root.path()).is_ok());
        std::fs::write(
            proto.join("a.proto"),
            BEFORE.replace("ONE = 1;", "ONE = 1; TWO = 2;"),
        )
        .expect("writable");
        assert!(check(root.path()).is_err(), "growth without a new baseline");
    }
}

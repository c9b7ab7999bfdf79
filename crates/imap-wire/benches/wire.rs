//! Parsing of commands as mail programs send them, and encoding of FETCH responses by the 10,000.

use std::hint::black_box;
use std::num::NonZeroU32;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use imap_wire::parse::{ParseOptions, command};
use imap_wire::response::FetchWriter;
use imap_wire::types::{DateTime, FlagRef, ModSeq, SeqNum, Uid};

const MESSAGES: u32 = 10_000;

const COMMANDS: &[(&str, &[u8])] = &[
    ("NOOP", b"a1 NOOP\r\n"),
    ("LOGIN", b"a1 LOGIN \"somebody@example.net\" \"a password\"\r\n"),
    (
        "message list",
        b"a1 UID FETCH 1:* (UID ENVELOPE BODYSTRUCTURE FLAGS INTERNALDATE RFC822.SIZE)\r\n",
    ),
    (
        "header fields",
        b"a1 UID FETCH 4,7,9:12 (BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID)])\r\n",
    ),
    ("STORE", b"a1 UID STORE 17:40 +FLAGS.SILENT (\\Seen $Forwarded)\r\n"),
    (
        "SEARCH",
        b"a1 UID SEARCH RETURN (ALL COUNT) OR FROM \"alice\" SUBJECT \"holiday\" SINCE 1-Jan-2026 NOT DELETED\r\n",
    ),
];

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, bytes) in COMMANDS {
        group.throughput(Throughput::Elements(1));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| command(black_box(bytes), ParseOptions::default()).expect("a valid command"));
        });
    }
    let many: Vec<String> = (1..=MESSAGES).map(|uid| (2 * uid).to_string()).collect();
    let many = format!("a1 UID FETCH {} FLAGS\r\n", many.join(","));
    group.throughput(Throughput::Elements(u64::from(MESSAGES)));
    group.bench_function("10,000 single UIDs", |bencher| {
        bencher
            .iter(|| command(black_box(many.as_bytes()), ParseOptions::default()).expect("a valid command"));
    });
}

fn flags(out: &mut Vec<u8>, number: NonZeroU32) {
    let mut writer = FetchWriter::begin(out, SeqNum(number));
    writer.uid(out, Uid(number));
    writer.flags(out, [FlagRef::Seen, FlagRef::Keyword("$Forwarded")]);
    writer.mod_seq(out, ModSeq::new(u64::from(number.get())).expect("in range"));
    writer.end(out);
}

fn list_entry(out: &mut Vec<u8>, number: NonZeroU32, date: DateTime) {
    const ENVELOPE: &[u8] = br#"("Tue, 3 Mar 2026 10:11:12 +0100" "Minutes of the meeting" (("Alice" NIL "alice" "example.org")) (("Alice" NIL "alice" "example.org")) (("Alice" NIL "alice" "example.org")) (("Bob" NIL "bob" "example.net")) NIL NIL NIL "<1@example.org>")"#;
    const STRUCTURE: &[u8] = br#"(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "8BIT" 4000 60 NIL NIL NIL NIL)("APPLICATION" "PDF" ("NAME" "a.pdf") NIL NIL "BASE64" 6000 NIL ("ATTACHMENT" ("FILENAME" "a.pdf")) NIL NIL) "MIXED" ("BOUNDARY" "b") NIL NIL NIL)"#;
    let mut writer = FetchWriter::begin(out, SeqNum(number));
    writer.envelope(out, ENVELOPE);
    writer.body_structure(out, STRUCTURE);
    writer.flags(out, [FlagRef::Seen]);
    writer.internal_date(out, date);
    writer.rfc822_size(out, 10_240);
    writer.end(out);
}

fn encode(criterion: &mut Criterion) {
    let date = DateTime::from_unix_seconds(1_772_529_072, 60).expect("a valid date");
    let mut group = criterion.benchmark_group("encode 10,000 FETCH responses");
    group.throughput(Throughput::Elements(u64::from(MESSAGES)));
    let mut out = Vec::new();
    group.bench_function("UID FLAGS MODSEQ", |bencher| {
        bencher.iter(|| {
            out.clear();
            (1..=MESSAGES)
                .filter_map(NonZeroU32::new)
                .for_each(|number| flags(&mut out, number));
            black_box(out.len())
        });
    });
    group.bench_function("message list", |bencher| {
        bencher.iter(|| {
            out.clear();
            (1..=MESSAGES)
                .filter_map(NonZeroU32::new)
                .for_each(|number| list_entry(&mut out, number, date));
            black_box(out.len())
        });
    });
}

criterion_group!(benches, parse, encode);
criterion_main!(benches);

//! How long it takes to make a summary, of ordinary and of hostile messages, and to read 10,000 of them.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mail_message::{Section, Summary, SummaryRef};

fn ordinary() -> Vec<u8> {
    let header = "From: Alice Example <alice@example.org>\r\nTo: Bob <bob@example.net>, Carol <carol@example.net>\r\n\
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= and more\r\nDate: Tue, 3 Mar 2020 10:11:12 +0100\r\n\
        Message-ID: <1@example.org>\r\nReferences: <2@example.org> <3@example.org>\r\nMIME-Version: 1.0\r\n";
    let mut message = format!("{header}Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    message += "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    message += &"Some text on a line of usual length, as people write it.\r\n".repeat(40);
    message += "--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n";
    message += &format!("{}\r\n", "QUJD".repeat(19)).repeat(70);
    message += "--b--\r\n";
    message.into_bytes()
}

fn bombs() -> Vec<(&'static str, String)> {
    let deep: String = (0..2_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}.\r\n\r\n--b{n}.\r\n"))
        .collect();
    let nested: String = (0..100)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=a{n}.\r\n\r\n--a{n}.\r\n"))
        .collect();
    let parameters: String = (0..50_000).map(|n| format!("; name*{n}*=v{n}")).collect();
    vec![
        (
            "lines 1,000,000 inside 100 multiparts",
            nested + &"--ax\r\n".repeat(1_000_000),
        ),
        (
            "messages 4,900 of 1,000 addresses",
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
                format!(
                    "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: {}\r\n\r\n\r\n",
                    ",".repeat(1_000)
                )
                .repeat(4_900)
            ),
        ),
        ("multiparts 2,000 deep", deep),
        (
            "messages 2,000 deep",
            "Content-Type: message/rfc822\r\n\r\n".repeat(2_000),
        ),
        (
            "parts 100,000",
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
                "--b\r\n\r\n\r\n".repeat(100_000)
            ),
        ),
        (
            "addresses 200,000",
            format!("To: {}x@y.z\r\n\r\n", "a@b.c, ".repeat(200_000)),
        ),
        ("address fields 200,000", "To: a@b.c\r\n".repeat(200_000)),
        (
            "comment 100,000",
            format!("From: {}\r\n\r\n", "(".repeat(100_000)),
        ),
        (
            "RFC 2231 parameters 50,000",
            format!("Content-Type: application/x{parameters}\r\n\r\n"),
        ),
        ("fields 200,000", "X: y\r\n".repeat(200_000)),
        (
            "references 100,000",
            format!("References: {}\r\n\r\n", "<a@b> ".repeat(100_000)),
        ),
        (
            "lines 1,000,000",
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
                "--x\r\n".repeat(1_000_000)
            ),
        ),
    ]
}

fn make(criterion: &mut Criterion) {
    let message = ordinary();
    criterion.bench_function("summary of 8 KiB", |bencher| {
        bencher.iter(|| Summary::of(black_box(&message)))
    });
    for (name, message) in bombs() {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| Summary::of(black_box(message.as_bytes())))
        });
    }
}

fn read(criterion: &mut Criterion) {
    let stored = Summary::of(&ordinary()).expect("short").into_bytes();
    let all = vec![stored; 10_000];
    criterion.bench_function("ENVELOPE BODYSTRUCTURE RFC822.SIZE of 10,000", |bencher| {
        let mut out = Vec::new();
        bencher.iter(|| {
            out.clear();
            for bytes in &all {
                let view = SummaryRef::parse(bytes).expect("made above");
                out.extend_from_slice(view.envelope());
                out.extend_from_slice(view.bodystructure());
                black_box(view.size());
            }
            black_box(out.len())
        });
    });
    criterion.bench_function("BODY[1] of 10,000", |bencher| {
        bencher.iter(|| {
            for bytes in &all {
                let view = SummaryRef::parse(bytes).expect("made above");
                black_box(view.section(&[1], Section::Whole));
            }
        });
    });
}

criterion_group! {
    name = summary;
    config = Criterion::default().sample_size(10).warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = make, read
}
criterion_main!(summary);

//! What is logged and traced.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::fake::Fake;
use crate::harness::{Client, options, role};

/// Keeps every event and span of this crate as a line.
#[derive(Clone, Default)]
struct Recorder {
    lines: Arc<Mutex<Vec<String>>>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("memory");
    }
}

impl Recorder {
    fn keep(&self, line: Line) {
        self.lines.lock().expect("not poisoned").push(line.0);
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        target.starts_with("lmtp") || target.starts_with("facteur")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!("span {}", span.metadata().name()));
        span.record(&mut line);
        self.keep(line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line("record".to_owned());
        values.record(&mut line);
        self.keep(line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.keep(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn addresses_stand_in_the_log_of_mail_only() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let fake = Fake::default();
    let mut client = Client::connect(&role(options(), &fake));
    client
        .expect(&[
            ("LHLO x", "250"),
            ("MAIL FROM:<a@example.org>", "250"),
            ("RCPT TO:<nobody@example.org>", "550"),
            ("RCPT TO:<b@example.org>", "250"),
            ("RCPT TO:<broken@example.org>", "250"),
            ("DATA", "354"),
            ("secret words\r\n.", "451"),
        ])
        .await;
    client.leave().await;
    let lines = recorder.lines.lock().expect("not poisoned").clone();
    let (mail, others): (Vec<_>, Vec<_>) = lines
        .iter()
        .map(String::as_str)
        .partition(|line| line.starts_with("facteur::mail_log"));
    let name = "transaction=00000000000000000000 sender=\"a@example.org\"";
    assert_eq!(
        mail,
        [
            "facteur::mail_log message=recipient sender=\"a@example.org\" recipient=\"nobody@example.org\" \
             result=\"rejected\" reply=550"
                .to_owned(),
            format!(
                "facteur::mail_log message=recipient {name} recipient=\"broken@example.org\" \
                 result=\"deferred\" reply=451"
            ),
            format!(
                "facteur::mail_log message=recipient {name} recipient=\"b@example.org\" \
                 result=\"delivered\" reply=250"
            ),
        ]
    );
    assert!(others.contains(&"span lmtp.transaction transaction=00000000000000000000"));
    assert!(others.contains(&"record bytes=14"));
    let private = |line: &&str| line.contains('@') || line.contains("secret");
    assert_eq!(others.into_iter().find(private), None);
}

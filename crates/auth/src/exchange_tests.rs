//! Whole exchanges, played by a client written here from the RFCs.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::password::tests::cheap;
use crate::password::{HashParameters, Salts};
use crate::pretender::tests::pretender;
use crate::verifiers::{ScramVerifier, hmac_sha256, sha256};

fn verifiers() -> Verifiers {
    Verifiers::derive(
        "pencil",
        &cheap(),
        &Salts {
            password: [1; 16],
            scram: [2; 16],
        },
    )
    .unwrap()
}

fn options(mechanism: Mechanism) -> ExchangeOptions {
    ExchangeOptions {
        mechanism,
        binding: ChannelBinding::default(),
        nonce: ServerNonce::new([3; 18]),
        pretender: pretender(),
        limits: Limits::default(),
    }
}

fn bound(mechanism: Mechanism) -> ExchangeOptions {
    let binding = ChannelBinding {
        tls_exporter: Some(Bytes::from_static(b"exporter bytes")),
        tls_server_end_point: Some(Bytes::from_static(b"end point bytes")),
    };
    ExchangeOptions {
        binding,
        ..options(mechanism)
    }
}

fn failure(step: Step) -> Failure {
    match step {
        Step::Failed(failure) => failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}

/// Plays PLAIN with one message and returns the end and the number of password checks.
fn plain(message: &[u8], stored: Option<&Verifiers>) -> (Step, usize) {
    let mut exchange = Exchange::new(options(Mechanism::Plain));
    let mut checks = 0;
    let mut step = exchange.message(message);
    loop {
        step = match step {
            Step::LookUp(_) => exchange.look_up_answer(stored),
            Step::Verify(check) => {
                checks += 1;
                exchange.verdict(check.run())
            }
            end => return (end, checks),
        };
    }
}

#[test]
fn plain_logs_in() {
    let (Step::Done(done), 1) = plain(b"\0User\0pencil", Some(&verifiers())) else {
        panic!("refused")
    };
    assert_eq!(done.authcid.as_str(), "user");
    assert_eq!(done.authzid, None);
    assert_eq!(done.additional, None);
    assert!(done.upgrade.is_none());
}

#[test]
fn acting_for_another_is_reported_and_for_oneself_is_not() {
    let check = |message: &[u8], expected: Option<&str>| {
        let (Step::Done(done), _) = plain(message, Some(&verifiers())) else {
            panic!("refused")
        };
        assert_eq!(done.authzid.as_ref().map(Address::as_str), expected);
    };
    check(b"other\0user\0pencil", Some("other"));
    check(b"USER\0user\0pencil", None);
}

/// What an attacker could measure: the same steps, the same number of checks, checks of the same
/// cost, and the same answer.
#[test]
fn a_wrong_password_and_an_unknown_user_cannot_be_told_apart() {
    let stored = verifiers();
    let (wrong, wrong_checks) = plain(b"\0user\0pen", Some(&stored));
    let (unknown, unknown_checks) = plain(b"\0user\0pen", None);
    let passwordless = Verifiers::default();
    let (without, without_checks) = plain(b"\0user\0pen", Some(&passwordless));
    assert_eq!((wrong_checks, unknown_checks, without_checks), (1, 1, 1));
    assert_eq!(failure(wrong), Failure::Credentials);
    assert_eq!(failure(unknown), Failure::Credentials);
    assert_eq!(failure(without), Failure::Credentials);
}

#[test]
fn an_imported_hash_is_upgraded_at_login() {
    let hash = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    let imported = Verifiers::import(hash).unwrap();
    let (Step::Done(done), _) = plain(b"\0user\0Hello world!", Some(&imported)) else {
        panic!("refused")
    };
    assert_eq!(done.upgrade.unwrap().expose(), "Hello world!");
    let stronger = HashParameters {
        argon2_passes: 2,
        ..cheap()
    };
    let salts = Salts {
        password: [1; 16],
        scram: [2; 16],
    };
    let old = Verifiers::derive("pencil", &stronger, &salts).unwrap();
    let (Step::Done(done), _) = plain(b"\0user\0pencil", Some(&old)) else {
        panic!("refused")
    };
    assert!(done.upgrade.is_some());
}

#[test]
fn malformed_plain_messages_fail_before_any_look_up() {
    for (message, expected) in [
        (&b""[..], Failure::Malformed),
        (b"user", Failure::Malformed),
        (b"\0user\0", Failure::Malformed),
        (b"\0us er\0pencil", Failure::Credentials),
        (b"no\\pe\0user\0pencil", Failure::Credentials),
        (&[b'x'; 4097], Failure::TooLong),
    ] {
        let (step, checks) = plain(message, Some(&verifiers()));
        assert_eq!((failure(step), checks), (expected, 0));
    }
    let long = format!("\0user\0{}", "x".repeat(1025));
    assert_eq!(
        failure(plain(long.as_bytes(), Some(&verifiers())).0),
        Failure::TooLong
    );
}

/// Outlook sends the user name as an initial response; others wait for "Username:". Both give the
/// same first message.
#[test]
fn login_asks_for_the_password_and_logs_in() {
    let mut exchange = Exchange::new(options(Mechanism::Login));
    assert!(matches!(exchange.message(b"user"), Step::LookUp(name) if name.as_str() == "user"));
    let Step::Challenge(challenge) = exchange.look_up_answer(Some(&verifiers())) else {
        panic!()
    };
    assert_eq!(&challenge[..], b"Password:");
    let Step::Verify(check) = exchange.message(b"pencil") else {
        panic!()
    };
    assert!(matches!(exchange.verdict(check.run()), Step::Done(_)));
}

#[test]
fn login_does_not_tell_unknown_users() {
    let mut exchange = Exchange::new(options(Mechanism::Login));
    assert!(matches!(exchange.message(b"user"), Step::LookUp(_)));
    assert!(matches!(exchange.look_up_answer(None), Step::Challenge(_)));
    let Step::Verify(check) = exchange.message(b"pencil") else {
        panic!()
    };
    assert_eq!(failure(exchange.verdict(check.run())), Failure::Credentials);
}

#[test]
fn steps_out_of_turn_end_the_exchange() {
    let mut exchange = Exchange::new(options(Mechanism::Plain));
    assert_eq!(
        failure(exchange.look_up_answer(Some(&verifiers()))),
        Failure::Malformed
    );
    assert_eq!(failure(exchange.message(b"\0user\0pencil")), Failure::Malformed);
    let mut exchange = Exchange::new(options(Mechanism::Plain));
    assert!(matches!(exchange.message(b"\0user\0pencil"), Step::LookUp(_)));
    assert_eq!(
        failure(exchange.verdict(Verdict { matched: true })),
        Failure::Malformed
    );
}

/// A SCRAM client that knows the password.
struct Client {
    header: String,
    channel: Vec<u8>,
    bare: String,
    password: String,
}

impl Client {
    fn new(header: &str, channel: &[u8]) -> Self {
        let bare = "n=user,r=clientnonce".to_owned();
        Self {
            header: header.to_owned(),
            channel: channel.to_vec(),
            bare,
            password: "pencil".to_owned(),
        }
    }

    fn first(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.bare).into_bytes()
    }

    fn last(&self, challenge: &[u8]) -> Vec<u8> {
        let challenge = std::str::from_utf8(challenge).unwrap();
        let field = |name| challenge.split(',').find_map(|f| f.strip_prefix(name)).unwrap();
        let salt = STANDARD.decode(field("s=")).unwrap();
        let iterations: NonZeroU32 = field("i=").parse().unwrap();
        let mut salted = [0; 32];
        let algorithm = aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256;
        aws_lc_rs::pbkdf2::derive(
            algorithm,
            iterations,
            &salt,
            self.password.as_bytes(),
            &mut salted,
        );
        let client_key = hmac_sha256(&salted, b"Client Key");
        let binding = STANDARD.encode([self.header.as_bytes(), &self.channel].concat());
        let without_proof = format!("c={binding},r={}", field("r="));
        let auth = format!("{},{challenge},{without_proof}", self.bare);
        let signature = hmac_sha256(&sha256(&client_key), auth.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(key, sign)| key ^ sign)
            .collect();
        format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes()
    }
}

/// Plays SCRAM up to the client's last message.
fn scram(options: ExchangeOptions, client: &Client, stored: Option<&Verifiers>) -> Step {
    let mut exchange = Exchange::new(options);
    match exchange.message(&client.first()) {
        Step::LookUp(_) => match exchange.look_up_answer(stored) {
            Step::Challenge(challenge) => exchange.message(&client.last(&challenge)),
            other => other,
        },
        other => other,
    }
}

/// RFC 7677 §3.
#[test]
fn scram_follows_the_example_of_the_rfc() {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let scram = ScramVerifier::derive("pencil", NonZeroU32::new(4096).unwrap(), &salt);
    let stored = Verifiers {
        password: None,
        scram: Some(scram),
    };
    let nonce = ServerNonce::of_example("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    let mut exchange = Exchange::new(ExchangeOptions {
        nonce,
        ..options(Mechanism::ScramSha256)
    });
    assert!(matches!(
        exchange.message(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"),
        Step::LookUp(_)
    ));
    let Step::Challenge(challenge) = exchange.look_up_answer(Some(&stored)) else {
        panic!()
    };
    let expected = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    assert_eq!(challenge, expected.as_bytes());
    let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let Step::Done(done) = exchange.message(last.as_bytes()) else {
        panic!()
    };
    let verifier = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(done.additional.as_deref(), Some(verifier.as_bytes()));
    assert_eq!(done.authcid.as_str(), "user");
}

#[test]
fn scram_plus_accepts_both_binding_types() {
    for (name, channel) in [
        ("tls-exporter", &b"exporter bytes"[..]),
        ("tls-server-end-point", b"end point bytes"),
    ] {
        let client = Client::new(&format!("p={name},,"), channel);
        let end = scram(bound(Mechanism::ScramSha256Plus), &client, Some(&verifiers()));
        assert!(matches!(end, Step::Done(_)), "{name}");
    }
}

/// RFC 5802 §6: each way in which somebody in the middle, or a confused client, gives itself away.
#[test]
fn scram_refuses_tampered_bindings() {
    let check = |options: ExchangeOptions, header: &str, channel: &[u8], expected| {
        let end = scram(options, &Client::new(header, channel), Some(&verifiers()));
        assert_eq!(failure(end), expected, "{header}");
    };
    let plus = || bound(Mechanism::ScramSha256Plus);
    check(
        plus(),
        "p=tls-exporter,,",
        b"another channel",
        Failure::ChannelBinding,
    );
    check(plus(), "p=tls-exporter,,", b"", Failure::ChannelBinding);
    check(
        plus(),
        "p=tls-unique,,",
        b"exporter bytes",
        Failure::ChannelBinding,
    );
    check(plus(), "n,,", b"", Failure::Malformed);
    check(plus(), "y,,", b"", Failure::Malformed);
    check(
        options(Mechanism::ScramSha256Plus),
        "p=tls-exporter,,",
        b"",
        Failure::ChannelBinding,
    );
    // Without -PLUS: "y" where -PLUS was offered means that the offer was cut out on the way.
    check(bound(Mechanism::ScramSha256), "y,,", b"", Failure::ChannelBinding);
    check(
        bound(Mechanism::ScramSha256),
        "p=tls-exporter,,",
        b"exporter bytes",
        Failure::Malformed,
    );
    check(
        bound(Mechanism::ScramSha256),
        "n,,",
        b"stray bytes",
        Failure::ChannelBinding,
    );
}

#[test]
fn scram_without_binding_accepts_clients_that_cannot_or_need_not() {
    let done = |options, header| {
        matches!(
            scram(options, &Client::new(header, b""), Some(&verifiers())),
            Step::Done(_)
        )
    };
    assert!(done(options(Mechanism::ScramSha256), "n,,"));
    assert!(done(options(Mechanism::ScramSha256), "y,,"));
    assert!(done(bound(Mechanism::ScramSha256), "n,,"));
    assert!(done(bound(Mechanism::ScramSha256), "n,a=other,"));
}

#[test]
fn scram_refuses_wrong_passwords_and_unknown_users_alike() {
    let client = Client {
        password: "pen".to_owned(),
        ..Client::new("n,,", b"")
    };
    let imported = Verifiers {
        scram: None,
        ..verifiers()
    };
    for stored in [
        Some(&verifiers()),
        None,
        Some(&imported),
        Some(&Verifiers::default()),
    ] {
        let end = scram(options(Mechanism::ScramSha256), &client, stored);
        assert_eq!(failure(end), Failure::Credentials);
    }
}

/// The salt of an unknown user is the same every time and of the same form as a real one.
#[test]
fn scram_asks_unknown_users_the_same_each_time() {
    let challenge = |stored: Option<&Verifiers>| {
        let mut exchange = Exchange::new(options(Mechanism::ScramSha256));
        assert!(matches!(
            exchange.message(b"n,,n=user,r=clientnonce"),
            Step::LookUp(_)
        ));
        match exchange.look_up_answer(stored) {
            Step::Challenge(challenge) => String::from_utf8(challenge.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(challenge(None), challenge(None));
    assert_ne!(challenge(None), challenge(Some(&verifiers())));
    assert_eq!(challenge(None).len(), challenge(Some(&verifiers())).len());
}

#[test]
fn scram_refuses_a_proof_for_another_nonce() {
    let client = Client::new("n,,", b"");
    let mut exchange = Exchange::new(options(Mechanism::ScramSha256));
    assert!(matches!(exchange.message(&client.first()), Step::LookUp(_)));
    let Step::Challenge(challenge) = exchange.look_up_answer(Some(&verifiers())) else {
        panic!()
    };
    let replayed = String::from_utf8(challenge.to_vec())
        .unwrap()
        .replace("clientnonce", "clientnoncf");
    assert_eq!(
        failure(exchange.message(&client.last(replayed.as_bytes()))),
        Failure::Malformed
    );
}

#[test]
fn nothing_that_is_printed_contains_the_password() {
    let mut exchange = Exchange::new(options(Mechanism::Plain));
    let step = exchange.message(b"\0user\0canary-password");
    assert!(!format!("{exchange:?}{step:?}").contains("canary"));
    let step = exchange.look_up_answer(Some(&verifiers()));
    assert!(!format!("{exchange:?}{step:?}").contains("canary"));
}

fn any_mechanism() -> impl Strategy<Value = Mechanism> {
    proptest::sample::select(Mechanism::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any messages in any order of calls: no panic, and never a login.
    #[test]
    fn no_sequence_of_inputs_panics_or_logs_in(
        mechanism in any_mechanism(),
        inputs in proptest::collection::vec((0u8..4, proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
    ) {
        let stored = verifiers_without_password();
        let mut exchange = Exchange::new(bound(mechanism));
        for (call, bytes) in inputs {
            let step = match call {
                0 => exchange.look_up_answer(Some(&stored)),
                1 => exchange.look_up_answer(None),
                2 => exchange.verdict(Verdict { matched: false }),
                _ => exchange.message(&bytes),
            };
            prop_assert!(!matches!(step, Step::Done(_)));
        }
    }
}

/// Real SCRAM keys of a password that no generated input guesses.
fn verifiers_without_password() -> Verifiers {
    let iterations = NonZeroU32::new(4096).unwrap();
    Verifiers {
        password: None,
        scram: Some(ScramVerifier::derive("unguessable", iterations, &[5; 16])),
    }
}

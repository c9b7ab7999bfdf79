//! What must hold for any bytes that a client sends before it has logged in. The fuzz target and the
//! corpus test of the `auth` crate include this file.

use auth::{
    Exchange, ExchangeOptions, HashParameters, Limits, Mechanism, Pretender, Secret, ServerNonce, Step,
    Verifiers, named_user,
};
use bytes::Bytes;
use mailstore::ports::ChannelBinding;

/// The first byte chooses the mechanism and whether the user exists; the rest are the client's
/// messages, one a line. Nothing panics and nobody gets in, for the one user has no password; and the
/// user that a router would see is the one that is looked up.
pub fn exchange(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let mechanism = Mechanism::ALL
        .into_iter()
        .cycle()
        .nth(usize::from(choice & 3))
        .unwrap_or(Mechanism::Plain);
    let known = (choice & 4 != 0).then(Verifiers::default);
    let mut exchange = Exchange::new(options(mechanism));
    for (index, message) in bytes.split(|&byte| byte == b'\n').take(4).enumerate() {
        let mut step = exchange.message(message);
        if let (0, Step::LookUp(name)) = (index, &step) {
            let routed = named_user(mechanism, message).and_then(|user| auth::login_name(&user).ok());
            assert_eq!(routed.as_ref(), Some(name), "the router sees the same user");
        }
        while let Some(next) = answer(&mut exchange, &step, known.as_ref()) {
            step = next;
        }
        assert!(!matches!(step, Step::Done(_)), "nobody gets in");
    }
}

/// Does what the exchange asks for, short of talking to the client.
fn answer(exchange: &mut Exchange, step: &Step, known: Option<&Verifiers>) -> Option<Step> {
    match step {
        Step::LookUp(_) => Some(exchange.look_up_answer(known)),
        Step::Verify(check) => Some(exchange.verdict(check.run())),
        Step::Challenge(_) | Step::Done(_) | Step::Failed(_) => None,
    }
}

fn options(mechanism: Mechanism) -> ExchangeOptions {
    let cheap = HashParameters {
        argon2_kib: 8,
        argon2_passes: 1,
        argon2_lanes: 1,
        scram_iterations: 4096,
    };
    let bound = Bytes::from_static(b"channel");
    ExchangeOptions {
        mechanism,
        binding: ChannelBinding {
            tls_exporter: Some(bound.clone()),
            tls_server_end_point: Some(bound),
        },
        nonce: ServerNonce::new([7; 18]),
        pretender: Pretender::new(Secret::new([9; 32]), cheap)
            .expect("invariant: the parameters are in bounds"),
        limits: Limits::default(),
    }
}

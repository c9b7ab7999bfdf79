//! The grammar of SCRAM's messages (RFC 5802 §7).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The client's word on channel binding (`gs2-cbind-flag`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BindingFlag {
    /// `n`: the client does not support it.
    Unsupported,
    /// `y`: the client supports it and believes that the server does not.
    NotOffered,
    /// `p=..`: the client uses the named type.
    Used(String),
}

/// `client-first-message = gs2-header client-first-message-bare`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientFirst {
    pub(crate) flag: BindingFlag,
    /// For whom the user wants to act, unescaped.
    pub(crate) authzid: Option<String>,
    /// Unescaped, not prepared.
    pub(crate) username: String,
    pub(crate) nonce: String,
    /// `gs2-cbind-flag "," [ authzid ] ","` as sent.
    pub(crate) gs2_header: String,
    /// As sent.
    pub(crate) bare: String,
}

impl ClientFirst {
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        let (flag_text, rest) = text.split_once(',')?;
        let (authzid_text, bare) = rest.split_once(',')?;
        let gs2_header = text.strip_suffix(bare)?.to_owned();
        // `reserved-mext` ("m=") is a mandatory extension and we know none, so it fails here.
        let mut attributes = bare.split(',');
        let username = sasl_name(attributes.next()?.strip_prefix("n=")?)?;
        let nonce = attributes
            .next()?
            .strip_prefix("r=")
            .filter(|nonce| is_nonce(nonce))?
            .to_owned();
        attributes.all(is_extension).then_some(())?;
        let authzid = match authzid_text {
            "" => None,
            given => Some(sasl_name(given.strip_prefix("a=")?)?),
        };
        Some(Self {
            flag: binding_flag(flag_text)?,
            authzid,
            username,
            nonce,
            gs2_header,
            bare: bare.to_owned(),
        })
    }
}

/// `client-final-message = client-final-message-without-proof "," proof`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientFinal {
    /// The decoded `c=` attribute.
    pub(crate) binding: Vec<u8>,
    pub(crate) nonce: String,
    pub(crate) proof: [u8; 32],
    /// As sent.
    pub(crate) without_proof: String,
}

impl ClientFinal {
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        // The proof is always the last attribute.
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let mut attributes = without_proof.split(',');
        let binding = STANDARD.decode(attributes.next()?.strip_prefix("c=")?).ok()?;
        let nonce = attributes
            .next()?
            .strip_prefix("r=")
            .filter(|nonce| is_nonce(nonce))?
            .to_owned();
        attributes.all(is_extension).then_some(())?;
        let proof = STANDARD.decode(proof).ok()?.try_into().ok()?;
        Some(Self {
            binding,
            nonce,
            proof,
            without_proof: without_proof.to_owned(),
        })
    }
}

/// `gs2-cbind-flag = ("p=" cb-name) / "n" / "y"`; `cb-name = 1*(ALPHA / DIGIT / "." / "-")`
fn binding_flag(text: &str) -> Option<BindingFlag> {
    match text {
        "n" => Some(BindingFlag::Unsupported),
        "y" => Some(BindingFlag::NotOffered),
        _ => {
            let name = text.strip_prefix("p=")?;
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
            (!name.is_empty() && name.bytes().all(allowed)).then(|| BindingFlag::Used(name.to_owned()))
        }
    }
}

/// `saslname = 1*(value-safe-char / "=2C" / "=3D")`
fn sasl_name(text: &str) -> Option<String> {
    let mut pieces = text.split('=');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let (character, rest) = match piece.split_at_checked(2)? {
            ("2C", rest) => (',', rest),
            ("3D", rest) => ('=', rest),
            _ => return None,
        };
        name.push(character);
        name.push_str(rest);
    }
    (!name.is_empty() && !name.contains('\0')).then_some(name)
}

/// `printable = %x21-2B / %x2D-7E`
fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b',')
}

/// `attr-val = ALPHA "=" value`; optional extensions that we do not know are ignored, except that an
/// `m=` anywhere would be a mandatory one.
fn is_extension(text: &str) -> bool {
    let mut characters = text.chars();
    let name_allowed = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() && c != 'm');
    name_allowed && characters.next() == Some('=') && characters.next().is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn first_messages_are_parsed() {
        let parsed = ClientFirst::parse(b"p=tls-exporter,a=ad=3Dmin,n=us=2Cer,r=fyko+d2,x=1").unwrap();
        assert_eq!(
            parsed,
            ClientFirst {
                flag: BindingFlag::Used("tls-exporter".into()),
                authzid: Some("ad=min".into()),
                username: "us,er".into(),
                nonce: "fyko+d2".into(),
                gs2_header: "p=tls-exporter,a=ad=3Dmin,".into(),
                bare: "n=us=2Cer,r=fyko+d2,x=1".into(),
            }
        );
    }

    #[test]
    fn malformed_first_messages_are_refused() {
        let messages = [
            "",
            ",",
            ",,",
            "n",
            "n,",
            "n,,",
            "n,,n=user",
            "n,,n=user,",
            "n,,n=user,r=",
            "n,,n=,r=abc",
            "n,,r=abc,n=user",
            "x,,n=user,r=abc",
            "p=,,n=user,r=abc",
            "p=a b,,n=user,r=abc",
            "n,user,n=user,r=abc",
            "n,a=,n=user,r=abc",
            "n,,n=us=er,r=abc",
            "n,,n=us=2cer,r=abc",
            "n,,n=user=,r=abc",
            "n,,n=user,r=a c",
            "n,,m=x,n=user,r=abc",
            "n,,n=user,r=abc,",
            "n,,n=user,r=abc,m=1",
            "n,,n=user,r=abc,1=1",
            "n,,n=u\0,r=abc",
            "n,,n=user,r=ä",
        ];
        for message in messages {
            assert_eq!(ClientFirst::parse(message.as_bytes()), None, "{message:?}");
        }
        assert_eq!(ClientFirst::parse(b"n,,n=\xff,r=abc"), None);
    }

    #[test]
    fn malformed_final_messages_are_refused() {
        let proof = STANDARD.encode([0; 32]);
        assert!(ClientFinal::parse(format!("c=biws,r=abc,p={proof}").as_bytes()).is_some());
        let messages = [
            String::new(),
            "c=biws,r=abc".into(),
            "c=biws,r=abc,p=".into(),
            "c=biws,r=abc,p=AAAA".into(),
            format!("r=abc,c=biws,p={proof}"),
            format!("c=b!ws,r=abc,p={proof}"),
            format!("c=biws,p={proof}"),
            format!("c=biws,r=,p={proof}"),
            format!("c=biws,r=abc,p={proof},x=1"),
            format!("c=biws,r=abc,p={proof}="),
            format!("c=biws,r=abc,m=1,p={proof}"),
        ];
        for message in messages {
            assert_eq!(ClientFinal::parse(message.as_bytes()), None, "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = (ClientFirst::parse(&bytes), ClientFinal::parse(&bytes));
        }

        #[test]
        fn no_text_of_the_alphabet_panics(text in "[npyamrcn=,2CDbiws]{0,60}") {
            let _ = (ClientFirst::parse(text.as_bytes()), ClientFinal::parse(text.as_bytes()));
        }
    }
}

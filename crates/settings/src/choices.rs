//! Options with a closed set of values.

use std::fmt;

use crate::value::{Value, quoted};

/// Declares an enum whose variants are written as words in the settings.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$docs:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$docs])* $variant,)*
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the word that stands for it in the settings.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl Value for $name {
            fn form() -> String {
                let words: Vec<String> = Self::ALL.iter().map(|choice| format!("\"{choice}\"")).collect();
                format!("one of {}", words.join(", "))
            }

            fn from_words(words: &str) -> Result<Self, String> {
                let chosen = Self::ALL.iter().find(|choice| choice.word() == words.trim());
                chosen.copied().ok_or_else(|| format!("`{words}` is not {}", Self::form()))
            }

            fn to_toml(&self) -> String {
                quoted(self.word())
            }
        }
    };
}

choice! {
    /// A part that a process plays.
    Role {
        /// Serves IMAP to mail programs.
        Proxy = "proxy",
        /// Holds replicas of mail.
        Storage = "storage",
        /// Takes in mail over LMTP.
        Lmtp = "lmtp",
    }
}

choice! {
    /// The oldest TLS version that mail programs may use.
    TlsVersion {
        /// TLS 1.2 (RFC 5246).
        Tls12 = "1.2",
        /// TLS 1.3 (RFC 8446).
        Tls13 = "1.3",
    }
}

choice! {
    /// The engine of the tables that are rebuilt from log and snapshots.
    TableEngine {
        /// On disk, by sled.
        Sled = "sled",
        /// In memory; each start rebuilds them.
        Memory = "memory",
    }
}

choice! {
    /// How a leader makes sure that it still leads before it answers a read.
    ReadPolicy {
        /// By its lease, which assumes that clocks run at nearly the same speed.
        Lease = "lease",
        /// By asking a majority each time, which assumes nothing about clocks.
        ReadIndex = "read-index",
    }
}

choice! {
    /// What a sender hears of an account without quota left.
    OverQuota {
        /// That it may try again later: 452 (RFC 3463 X.2.2).
        Defer = "defer",
        /// That the message goes back: 552.
        Refuse = "refuse",
    }
}

choice! {
    /// How log lines are written.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// The least important level that is logged.
    LogLevel {
        /// Only what needs a person.
        Error = "error",
        /// Also what may become a problem.
        Warn = "warn",
        /// Also what happens in normal service.
        Info = "info",
        /// Also what helps to find a fault.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

//! Reads options out of the layers and collects every problem on the way.

use crate::layers::{Layers, Located};
use crate::problem::{Fault, Origin, Problem};
use crate::show::Effective;
use crate::value::Value;

/// Hands out values by key; remembers what went wrong and where each value came from.
pub struct Reader<'a> {
    layers: &'a Layers,
    pub problems: Vec<Problem>,
    pub effective: Vec<Effective>,
}

/// The bounds of an option, in bare words.
type Range = (&'static str, &'static str);

/// Reads a default that the code declares.
pub fn default<T: Value>(words: &str) -> T {
    T::from_words(words)
        .map_err(|message| format!("`{words}`: {message}"))
        .expect("invariant: defaults are valid")
}

impl<'a> Reader<'a> {
    pub fn new(layers: &'a Layers) -> Self {
        Self {
            layers,
            problems: Vec::new(),
            effective: Vec::new(),
        }
    }

    /// Returns the value of an option: the last valid one, else the default.
    pub fn take<T: Value>(&mut self, key: &'static str, words: &str) -> T {
        self.take_if(key, words, |_| None)
    }

    /// As `take`, for an option with a range.
    pub fn take_within<T: Value + PartialOrd>(&mut self, key: &'static str, words: &str, range: Range) -> T {
        let (min, max) = (default::<T>(range.0), default::<T>(range.1));
        self.take_if(key, words, |value: &T| {
            let outside = *value < min || *value > max;
            let fault = || Fault::OutOfRange {
                key: key.to_owned(),
                value: value.to_toml(),
                min: range.0,
                max: range.1,
            };
            outside.then(fault)
        })
    }

    fn take_if<T: Value>(
        &mut self,
        key: &'static str,
        words: &str,
        fault_of: impl Fn(&T) -> Option<Fault>,
    ) -> T {
        let mut chosen = (default::<T>(words), Origin::Default);
        for Located { raw, origin } in self.layers.get(key).into_iter().flatten() {
            let value = T::from_raw(raw);
            let value = value.map_err(|message| Fault::Invalid {
                key: key.to_owned(),
                message,
            });
            match value.and_then(|value| fault_of(&value).map_or(Ok(value), Err)) {
                Ok(value) => chosen = (value, origin.clone()),
                Err(fault) => self.problems.push(Problem::new(origin.clone(), fault)),
            }
        }
        let (value, origin) = chosen;
        self.effective.push(Effective {
            key,
            value: value.to_toml(),
            origin,
        });
        value
    }
}

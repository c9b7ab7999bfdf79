//! Answers for programs.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one value.
pub(crate) fn write_value(output: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, value)?;
    output.write_all(b"\n")
}

/// Writes an array element by element, a line each.
pub(crate) struct ArrayWriter<'a> {
    output: &'a mut dyn Write,
    separator: &'static str,
}

impl<'a> ArrayWriter<'a> {
    pub(crate) fn begin(output: &'a mut dyn Write) -> Self {
        Self {
            output,
            separator: "[\n  ",
        }
    }

    pub(crate) fn push(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.output.write_all(self.separator.as_bytes())?;
        self.separator = ",\n  ";
        serde_json::to_writer(&mut *self.output, value)?;
        // Whoever reads this may act on an element before the next one comes.
        self.output.flush()
    }

    /// Ends the output without closing the array, so that nobody takes a part for the whole.
    pub(crate) fn abandon(self) -> io::Result<()> {
        self.output.write_all(b"\n")
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        let empty = self.separator.starts_with('[');
        self.output.write_all(if empty { b"[]\n" } else { b"\n]\n" })
    }
}

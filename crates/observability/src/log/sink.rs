//! Where lines go.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::error::Error;

/// A place for lines, shared by everything that writes to it; whole lines never mix.
#[derive(Clone)]
pub struct Sink(Arc<Mutex<Box<dyn Write + Send>>>);

impl Sink {
    /// Returns a sink into any writer.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(writer))))
    }

    /// Returns the sink of standard error.
    pub fn stderr() -> Self {
        Self::new(io::stderr())
    }

    /// Opens a file to append to, readable by its owner and group only.
    ///
    /// # Errors
    ///
    /// Fails if the file can be neither opened nor made.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let opened = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o640)
            .open(path);
        opened.map(Self::new).map_err(|source| Error::LogFile {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes one line; a full disk must not stop the mail, so a failure is let go.
    pub(crate) fn write_line(&self, line: &str) {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.write_all(line.as_bytes());
    }
}

/// Collects what one event writes and hands it over as a whole.
pub struct LineWriter {
    sink: Sink,
    buffer: Vec<u8>,
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.sink.write_line(&String::from_utf8_lossy(&self.buffer));
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter {
            sink: self.clone(),
            buffer: Vec::new(),
        }
    }
}

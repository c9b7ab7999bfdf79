//! The text of a part, decoded piece by piece in bounded memory.

use super::charset::CharsetDecoder;
use super::transfer::TransferDecoder;
use crate::mime::part::TransferEncoding;

/// Decodes the body of a part that arrives in pieces: first its transfer encoding, then its charset.
pub struct TextDecoder {
    transfer: TransferDecoder,
    charset: CharsetDecoder,
    bytes: Vec<u8>,
}

impl TextDecoder {
    /// Returns a decoder for a body with this encoding and charset label (empty: none given).
    pub fn new(encoding: TransferEncoding, charset: &[u8]) -> Self {
        Self {
            transfer: TransferDecoder::new(encoding),
            charset: CharsetDecoder::new(charset),
            bytes: Vec::new(),
        }
    }

    /// Appends the text that `piece` completes to `out`; never much more than three times its size.
    pub fn push(&mut self, piece: &[u8], out: &mut String) {
        self.bytes.clear();
        self.transfer.push(piece, &mut self.bytes);
        self.charset.push(&self.bytes, out);
    }

    /// Appends what waited for more input.
    pub fn finish(mut self, out: &mut String) {
        self.charset.finish(out);
    }
}

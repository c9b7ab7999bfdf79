//! Byte ranges inside a message.

/// A byte range inside one message.
///
/// Made by the scanner only, so it lies inside the message that it was made from. Cutting it out of
/// other bytes is harmless and gives what exists of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// Returns the range from `start` up to, not including, `end`; empty when `end` lies before `start`.
    pub fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            len: end.saturating_sub(start),
        }
    }

    /// Returns the range between two positions in a message whose length was checked before.
    pub(crate) fn between(start: usize, end: usize) -> Self {
        Self::new(position(start), position(end))
    }

    /// Returns the offset of the first byte.
    pub fn start(self) -> u32 {
        self.start
    }

    /// Returns the offset behind the last byte.
    pub fn end(self) -> u32 {
        self.start.saturating_add(self.len)
    }

    /// Returns the number of bytes.
    pub fn len(self) -> u32 {
        self.len
    }

    /// Tells whether the range holds no byte.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Returns the bytes of this range in `message`, fewer if `message` is shorter.
    pub fn of(self, message: &[u8]) -> &[u8] {
        let start = index(self.start).min(message.len());
        let end = index(self.end()).min(message.len());
        message.get(start..end).unwrap_or_default()
    }

    /// Tells whether `inner` lies inside this range.
    pub fn contains(self, inner: Span) -> bool {
        self.start <= inner.start && inner.end() <= self.end()
    }

    /// Returns the part of this range that a partial FETCH `<offset.count>` asks for: empty when the
    /// offset lies at or behind the end, cut short when the count does (RFC 3501 §6.4.5).
    #[must_use]
    pub fn partial(self, offset: u32, count: u32) -> Self {
        let skipped = offset.min(self.len);
        Self {
            start: self.start + skipped,
            len: count.min(self.len - skipped),
        }
    }
}

/// Narrows a position in a message. The scanner refuses longer messages on entry.
pub(crate) fn position(at: usize) -> u32 {
    u32::try_from(at).expect("invariant: a message is at most MESSAGE_BYTES_MAX long")
}

/// Widens an offset. `usize` has at least 32 bits on every target that this server supports.
pub(crate) fn index(at: u32) -> usize {
    usize::try_from(at).expect("invariant: usize has at least 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partials_are_cut_at_the_end() {
        let span = Span::new(10, 20);
        for (offset, count, expected) in [
            (0, 5, Span::new(10, 15)),
            (8, 5, Span::new(18, 20)),
            (10, 5, Span::new(20, 20)),
            (u32::MAX, u32::MAX, Span::new(20, 20)),
            (0, u32::MAX, span),
        ] {
            assert_eq!(span.partial(offset, count), expected);
        }
    }

    #[test]
    fn cutting_other_bytes_is_harmless() {
        assert_eq!(Span::new(2, 9).of(b"abcd"), b"cd");
        assert_eq!(Span::new(7, 9).of(b"abcd"), b"");
    }
}

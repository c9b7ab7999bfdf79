//! From encoded bytes to text: transfer encodings, charsets, case folding, markup.

pub(crate) mod casemap;
pub(crate) mod charset;
pub(crate) mod markup;
pub(crate) mod stream;
pub(crate) mod transfer;

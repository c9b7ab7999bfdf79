//! The bounds that keep hostile messages cheap.
//!
//! They are constants and not settings: every replica derives the same summary from the same bytes, so
//! the bounds belong to the summary's format version and change only together with it.

/// The longest message that has a summary. Offsets are 32 bits wide, as `number` is (RFC 3501 §9), and
/// quoting may double what a section of the summary takes from the message.
pub const MESSAGE_BYTES_MAX: usize = 1 << 30;

/// How deep multiparts and encapsulated messages may nest; what lies deeper is one opaque part.
pub const DEPTH_MAX: usize = 100;

/// How many parts a message may have; what follows the last one belongs to it.
pub const PARTS_MAX: usize = 10_000;

/// How much of one header block is interpreted. The block's extent is found however long it is.
pub const HEADER_PARSE_BYTES_MAX: usize = 1 << 20;

/// The longest header block that a summary carries whole.
pub const HEADER_INLINE_BYTES_MAX: usize = 16 << 10;

/// How many addresses the envelope of one message (encapsulated ones count apart) holds in each field.
pub const ADDRESSES_MAX: usize = 1_000;

/// How many bytes the addresses of all encapsulated messages together take in BODYSTRUCTURE. A comma
/// counts as an address and is sent as fifty bytes, so without this bound a message of many
/// encapsulated ones would make a structure a hundred times its size.
pub const NESTED_ADDRESS_BYTES_MAX: usize = 1 << 20;

/// How many parameters of one Content-Type or Content-Disposition field are kept.
pub const PARAMETERS_MAX: usize = 100;

/// How many languages of one Content-Language field are kept.
pub const LANGUAGES_MAX: usize = 100;

/// The longest boundary delimiter that is compared. RFC 2046 §5.1.1 allows 70 characters; some
/// senders write more.
pub const BOUNDARY_BYTES_MAX: usize = 200;

/// How deep comments may nest before a header field counts as broken (RFC 5322 §3.2.2 sets no bound).
pub const COMMENT_DEPTH_MAX: usize = 100;

/// How many message identifiers of a References field are kept: the first, which names the thread's
/// root, and the latest ones.
pub const REFERENCES_MAX: usize = 200;

/// The longest preview in characters (RFC 8970 §3.1).
pub const PREVIEW_CHARS_MAX: usize = 200;

/// How much of a part is decoded to make a preview.
pub const PREVIEW_SOURCE_BYTES_MAX: usize = 32 << 10;

/// The longest sort key in bytes; what differs only behind that sorts as equal.
pub const SORT_KEY_BYTES_MAX: usize = 1_000;

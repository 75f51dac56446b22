//! What goes over the wire, as text: tus headers, ranges, conditions, error codes, JSON bodies.
//!
//! Pure: it knows nothing of actix, sockets, clocks or storage. Each header has one parser that takes what a stranger sent
//! and never panics, and, where we send the header too, one printer whose text that parser reads back. Start reading in
//! [`code`], the table of all errors a client can meet, then [`tus`].

pub mod byteranges;
pub mod changes;
pub mod code;
pub mod conditional;
pub mod disposition;
pub mod events;
pub mod internal;
pub mod listing;
pub mod media_type;
pub mod multipart;
pub mod problem;
pub mod range;
pub mod record;
pub mod repr_digest;
pub mod tus;

mod number;

/// A header's value does not follow its grammar. Says what is expected, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header}: {expected}")]
pub struct BadHeader {
    pub header: &'static str,
    pub expected: &'static str,
}

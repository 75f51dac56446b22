//! What is said over HTTP, apart from HTTP itself: headers of tus and of our own, ranges and conditions, JSON bodies, and the
//! table of errors.
//!
//! Pure: no actix, no I/O. Every parser takes any input and answers or refuses, and is fuzzed for it.

pub mod content;
pub mod internal;
pub mod problem;
pub mod range;
pub mod record;
pub mod tus;

//! `multipart/form-data` (RFC 7578): takes a body apart while it streams in.
//!
//! A part ends at a whole delimiter line and nowhere else: not at bytes that only begin like one, and not where a
//! `Content-Length` in its head says (section 4.8 leaves such fields to be ignored). So a file is either exactly what the
//! client sent as it, or an error.

mod head;
mod parameters;

pub use head::Part;

use bytes::{Buf, Bytes};
use memchr::{memmem, memrchr};
use parameters::Parameters;

/// RFC 2046, section 5.1.1 allows 70 characters; some clients are more talkative.
const MAX_BOUNDARY_BYTES: usize = 256;
/// Of a part's head, which is held until it is complete.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Blanks between a delimiter and the end of its line: "transport padding", which nobody sends.
const MAX_PADDING_BYTES: usize = 64;

/// The body is not `multipart/form-data`. Says what is wrong, in words for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadForm {
    #[error("{0}")]
    Malformed(&'static str),
    #[error("it ends before its closing boundary")]
    Unfinished,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part(Part),
    /// Bytes of the part that has begun.
    Bytes(Bytes),
    /// The part is complete.
    End,
}

impl Event {
    pub fn into_bytes(self) -> Option<Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Part(_) | Self::End => None,
        }
    }
}

/// Takes the pieces of one body and gives what they hold.
pub struct Splitter {
    delimiter: memmem::Finder<'static>,
    /// What has come and is not given yet.
    buffer: Bytes,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter, where anything may stand.
    Preamble,
    Head,
    Content,
    /// After the closing delimiter, where anything may stand.
    Epilogue,
}

/// What stands at the front of the buffer, outside of heads.
enum Front {
    Bytes(Bytes),
    /// A whole delimiter line, which is taken off.
    Delimiter,
    /// More must come before that can be told.
    Open,
}

/// What follows a delimiter, and how many bytes of it belong to the delimiter's line.
enum Line {
    Part(usize),
    Close(usize),
    /// It was no delimiter.
    Other,
    Open,
}

impl Splitter {
    /// For a request's `Content-Type`, which names the boundary.
    pub fn new(content_type: &str) -> Result<Self, BadForm> {
        let parameters = Parameters::of(content_type.as_bytes());
        let boundary = parameters.get("boundary").unwrap_or_default();
        let sane = |byte: &u8| matches!(byte, b' '..=b'~');
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY_BYTES || !boundary.iter().all(sane) {
            return Err(BadForm::Malformed("its content type must name a boundary of 1 to 256 characters"));
        }
        let delimiter = [b"\r\n--", boundary].concat();
        Ok(Self {
            delimiter: memmem::Finder::new(&delimiter).into_owned(),
            // The first delimiter may stand at the very beginning, with no line before it.
            buffer: Bytes::from_static(b"\r\n"),
            state: State::Preamble,
        })
    }

    /// Takes the next piece. To be called when [`next_event`](Self::next_event) has nothing more to give.
    pub fn feed(&mut self, piece: Bytes) {
        self.buffer = match self.buffer.is_empty() {
            true => piece,
            false => [&self.buffer[..], &piece].concat().into(),
        };
    }

    /// What comes next; `None` if more must be fed before that can be told.
    pub fn next_event(&mut self) -> Result<Option<Event>, BadForm> {
        loop {
            let begun = self.state;
            match begun {
                State::Head => return self.head(),
                State::Epilogue => {
                    self.buffer.clear();
                    return Ok(None);
                }
                State::Preamble | State::Content => {}
            }
            match (self.front(), begun) {
                (Front::Open, _) => return Ok(None),
                (Front::Bytes(bytes), State::Content) => return Ok(Some(Event::Bytes(bytes))),
                (Front::Delimiter, State::Content) => return Ok(Some(Event::End)),
                (Front::Bytes(_) | Front::Delimiter, _) => {}
            }
        }
    }

    /// To be asked when the body has ended: whether the form has, too.
    pub fn finish(&self) -> Result<(), BadForm> {
        match self.state {
            State::Epilogue => Ok(()),
            State::Preamble | State::Content if self.closes() => Ok(()),
            State::Preamble | State::Head | State::Content => Err(BadForm::Unfinished),
        }
    }

    /// The closing delimiter is the last line, and a last line needs no end.
    fn closes(&self) -> bool {
        let rest = self.buffer.strip_prefix(self.delimiter.needle());
        rest.is_some_and(|rest| rest.starts_with(b"--") && matches!(line(rest), Line::Open))
    }

    /// A part's head, if all of it is there: lines up to an empty one. It may be that empty line alone.
    fn head(&mut self) -> Result<Option<Event>, BadForm> {
        let end = match self.buffer.starts_with(b"\r\n") {
            true => Some(2),
            false => memmem::find(&self.buffer, b"\r\n\r\n").map(|at| at + 4),
        };
        if end.unwrap_or(self.buffer.len()) > MAX_HEAD_BYTES {
            return Err(BadForm::Malformed("the head of a part is longer than 16 KiB"));
        }
        let Some(end) = end else { return Ok(None) };
        let part = Part::parse(&self.buffer.split_to(end))?;
        self.state = State::Content;
        Ok(Some(Event::Part(part)))
    }

    fn front(&mut self) -> Front {
        let length = self.delimiter.needle().len();
        match self.delimiter.find(&self.buffer) {
            Some(0) => match line(&self.buffer[length..]) {
                Line::Part(rest) => self.pass(length + rest, State::Head),
                Line::Close(rest) => self.pass(length + rest, State::Epilogue),
                Line::Other => Front::Bytes(self.buffer.split_to(length)),
                Line::Open => Front::Open,
            },
            Some(at) => Front::Bytes(self.buffer.split_to(at)),
            None => match self.buffer.len() - self.begun_delimiter() {
                0 => Front::Open,
                plain => Front::Bytes(self.buffer.split_to(plain)),
            },
        }
    }

    fn pass(&mut self, bytes: usize, state: State) -> Front {
        self.buffer.advance(bytes);
        self.state = state;
        Front::Delimiter
    }

    /// How many bytes at the buffer's end may be the beginning of a delimiter. It can only begin at the last line break,
    /// because a boundary holds none.
    fn begun_delimiter(&self) -> usize {
        let delimiter = self.delimiter.needle();
        let tail = &self.buffer[self.buffer.len().saturating_sub(delimiter.len() - 1)..];
        let begun = memrchr(b'\r', tail).map(|at| &tail[at..]);
        begun.filter(|begun| delimiter.starts_with(begun)).map_or(0, <[u8]>::len)
    }
}

fn line(rest: &[u8]) -> Line {
    let closing = rest.strip_prefix(b"--");
    let (rest, sign) = closing.map_or((rest, 0), |rest| (rest, 2));
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let end = sign + padding + 2;
    match rest.get(padding..).unwrap_or_default() {
        _ if padding > MAX_PADDING_BYTES => Line::Other,
        [b'\r', b'\n', ..] if sign > 0 => Line::Close(end),
        [b'\r', b'\n', ..] => Line::Part(end),
        [] | [b'\r'] => Line::Open,
        [b'-'] if sign + padding == 0 => Line::Open,
        _ => Line::Other,
    }
}

#[cfg(test)]
mod tests;

//! HTTP/1.1 as it is on the wire (RFC 9112): heads and how bodies are framed. Client and proxy share it.

use std::io::{self, BufRead, Read, Write};

/// A request's or an answer's first line and header fields.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub first_line: String,
    pub fields: Vec<(String, String)>,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// `None` where the connection ends before one begins.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(first_line) = read_line(from)? else { return Ok(None) };
        let mut fields = Vec::new();
        while let Some(line) = read_line(from)?.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Some(Self { first_line, fields }))
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The words of the first line: method and target, or version and status.
    pub fn word(&self, at: usize) -> &str {
        self.first_line.split(' ').nth(at).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.word(0)
    }

    pub fn target(&self) -> &str {
        self.word(1)
    }

    pub fn status(&self) -> io::Result<u16> {
        let status = self.word(1).parse().ok().filter(|_| self.first_line.starts_with("HTTP/1."));
        status.ok_or_else(|| malformed(&self.first_line))
    }

    /// RFC 9112, section 6.3.
    pub fn framing_of_request(&self) -> io::Result<Framing> {
        Ok(self.framing()?.unwrap_or(Framing::Length(0)))
    }

    /// RFC 9112, section 6.3: an answer to HEAD, 1xx, 204 and 304 have no body, whatever their fields say.
    pub fn framing_of_answer(&self, method: &str) -> io::Result<Framing> {
        match self.status()? {
            100..=199 | 204 | 304 => Ok(Framing::Length(0)),
            _ if method == "HEAD" => Ok(Framing::Length(0)),
            _ => Ok(self.framing()?.unwrap_or(Framing::UntilClose)),
        }
    }

    fn framing(&self) -> io::Result<Option<Framing>> {
        if self.field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Ok(Some(Framing::Chunked));
        }
        let length = self.field("content-length").map(|length| length.parse().map_err(|_| malformed(length)));
        Ok(length.transpose()?.map(Framing::Length))
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{}\r\n{}\r\n", self.first_line, fields.collect::<String>()).into_bytes()
    }
}

/// Reads a body to its end as `framing` says. A connection that closes before that is an error.
pub struct Body<R> {
    from: R,
    framing: Framing,
    /// Of the length, or of the chunk that is being read.
    left: u64,
    ended: bool,
}

impl<R: BufRead> Body<R> {
    pub fn new(from: R, framing: Framing) -> Self {
        let left = if let Framing::Length(length) = framing { length } else { 0 };
        Self { from, framing, left, ended: framing == Framing::Length(0) }
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let line = read_line(&mut self.from)?.ok_or_else(cut_short)?;
        let size = line.split(';').next().unwrap_or_default();
        self.left = u64::from_str_radix(size.trim(), 16).map_err(|_| malformed(&line))?;
        if self.left == 0 {
            self.ended = true;
            while read_line(&mut self.from)?.is_some_and(|line| !line.is_empty()) {}
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.ended && self.framing == Framing::Chunked && self.left == 0 {
            self.next_chunk()?;
        }
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let most = match self.framing {
            Framing::UntilClose => buffer.len(),
            Framing::Length(_) | Framing::Chunked => {
                buffer.len().min(self.left.try_into().unwrap_or(usize::MAX))
            }
        };
        let count = self.from.read(&mut buffer[..most])?;
        match self.framing {
            Framing::UntilClose => self.ended = count == 0,
            Framing::Length(_) | Framing::Chunked if count == 0 => return Err(cut_short()),
            Framing::Length(_) => {
                self.left -= count as u64;
                self.ended = self.left == 0;
            }
            Framing::Chunked => {
                self.left -= count as u64;
                if self.left == 0 {
                    read_line(&mut self.from)?;
                }
            }
        }
        Ok(count)
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    from.by_ref().take(64 * 1024).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(Some(String::from_utf8_lossy(line).into_owned())),
        None if line.is_empty() => Ok(None),
        None => Err(malformed(&String::from_utf8_lossy(&line))),
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {what:?}"))
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the body ended early")
}

/// Writes a piece of a body, framed.
pub fn write_piece(to: &mut impl Write, framing: Framing, piece: &[u8]) -> io::Result<()> {
    match framing {
        Framing::Length(_) | Framing::UntilClose => to.write_all(piece),
        Framing::Chunked => {
            to.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
            to.write_all(piece)?;
            to.write_all(b"\r\n")
        }
    }
}

pub fn write_end(to: &mut impl Write, framing: Framing) -> io::Result<()> {
    match framing {
        Framing::Length(_) | Framing::UntilClose => Ok(()),
        Framing::Chunked => to.write_all(b"0\r\n\r\n"),
    }
}

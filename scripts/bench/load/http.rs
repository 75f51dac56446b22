//! As much of HTTP/1.1 as a client of upload servers needs.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// As long as a server may be silent.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Url {
    pub host: String,
    pub path: String,
}

impl Url {
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").ok_or(format!("{text}: a URL begins with http://"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self { host: host.to_owned(), path: format!("/{path}") })
    }
}

#[derive(Default)]
pub struct Head {
    pub status: u16,
    pub location: String,
    pub closes: bool,
    pub upload_offset: Option<u64>,
    length: Option<u64>,
    chunked: bool,
}

impl Head {
    fn note(&mut self, line: &str) {
        let Some((name, value)) = line.split_once(':') else { return };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => self.length = value.parse().ok(),
            "transfer-encoding" => self.chunked = value.eq_ignore_ascii_case("chunked"),
            "connection" => self.closes = value.eq_ignore_ascii_case("close"),
            "upload-offset" => self.upload_offset = value.parse().ok(),
            "location" => self.location = value.to_owned(),
            _ => {}
        }
    }
}

/// One connection, and what was read of it already.
pub struct Connection {
    stream: TcpStream,
    /// Whether nothing has come since something was last sent.
    silent: bool,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Connection {
    pub fn open(host: &str, buffer: usize) -> io::Result<Self> {
        Self::over(TcpStream::connect(host)?, buffer)
    }

    pub fn over(stream: TcpStream, buffer: usize) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, silent: true, buffer: vec![0; buffer], begin: 0, end: 0 })
    }

    pub fn writer(&mut self) -> &mut impl Write {
        self.silent = true;
        &mut self.stream
    }

    /// Whether that problem can be that the server had closed the connection before the last request came: then it has answered
    /// nothing. An answer that breaks off or does not come in time is something else.
    pub fn was_closed(&self, problem: &io::Error) -> bool {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        self.silent
            && matches!(problem.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    }

    /// What there is to read, at least a byte; nothing at the end.
    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.begin == self.end {
            self.begin = 0;
            self.end = self.stream.read(&mut self.buffer)?;
            self.silent &= self.end == 0;
        }
        Ok(&self.buffer[self.begin..self.end])
    }

    fn more(&mut self) -> io::Result<&[u8]> {
        match self.fill()? {
            [] => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(&self.buffer[self.begin..self.end]),
        }
    }

    pub fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            let there = self.more()?;
            let found = there.iter().position(|&byte| byte == b'\n');
            let taken = found.map_or(there.len(), |at| at + 1);
            line.extend_from_slice(&there[..taken]);
            self.begin += taken;
            if found.is_some() {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }

    /// The head of a final answer: what only informs is passed over.
    pub fn head(&mut self) -> io::Result<Head> {
        loop {
            let first = self.line()?;
            let status = first
                .strip_prefix("HTTP/1.")
                .and_then(|rest| rest.get(2..5))
                .and_then(|text| text.parse().ok());
            let status = status.ok_or_else(|| io::Error::other(format!("not an answer: {first:?}")))?;
            let mut head = Head { status, closes: first.starts_with("HTTP/1.0"), ..Head::default() };
            loop {
                let line = self.line()?;
                if line.is_empty() {
                    break;
                }
                head.note(&line);
            }
            if matches!(status, 204 | 304) {
                (head.length, head.chunked) = (Some(0), false);
            }
            if status >= 200 {
                return Ok(head);
            }
        }
    }

    /// Hands the body on piece by piece. Returns its size.
    pub fn body(&mut self, head: &Head, mut sink: impl FnMut(&[u8])) -> io::Result<u64> {
        if head.chunked {
            return self.chunks(sink);
        }
        if let Some(length) = head.length {
            return self.exactly(length, &mut sink);
        }
        let mut size = 0;
        loop {
            let there = self.fill()?;
            if there.is_empty() {
                return Ok(size);
            }
            sink(there);
            size += there.len() as u64;
            self.begin = self.end;
        }
    }

    fn chunks(&mut self, mut sink: impl FnMut(&[u8])) -> io::Result<u64> {
        let mut size = 0;
        loop {
            let line = self.line()?;
            let length = line.split(';').next().unwrap_or_default().trim();
            let length =
                u64::from_str_radix(length, 16).map_err(|_| io::Error::other("not a chunk's length"))?;
            size += self.exactly(length, &mut sink)?;
            self.line()?;
            if length == 0 {
                return Ok(size);
            }
        }
    }

    pub fn exactly(&mut self, length: u64, sink: &mut impl FnMut(&[u8])) -> io::Result<u64> {
        let mut left = length;
        while left > 0 {
            let there = self.more()?;
            let piece = left.min(there.len() as u64) as usize;
            sink(&there[..piece]);
            self.begin += piece;
            left -= piece as u64;
        }
        Ok(length)
    }
}

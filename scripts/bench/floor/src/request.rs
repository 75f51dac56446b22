//! As much of HTTP/1.1 as the benchmark's load sends.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;

const BUFFER: usize = 256 << 10;

pub enum Received {
    Put { name: String, length: u64 },
    Get { path: String },
}

pub struct Reader<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    pub fn new(stream: &'a TcpStream) -> Self {
        Self { stream, buffer: vec![0; BUFFER], begin: 0, end: 0 }
    }

    /// The next one's head, or nothing where the client has closed.
    pub fn request(&mut self) -> io::Result<Option<Received>> {
        self.buffer.copy_within(self.begin..self.end, 0);
        (self.begin, self.end) = (0, self.end - self.begin);
        loop {
            let there = &self.buffer[..self.end];
            if let Some(length) = there.windows(4).position(|four| four == b"\r\n\r\n") {
                self.begin = length + 4;
                return Ok(Some(parse(&String::from_utf8_lossy(&there[..length]))));
            }
            match self.stream.read(&mut self.buffer[self.end..])? {
                0 => return Ok(None),
                read => self.end += read,
            }
        }
    }

    /// At most `left` bytes of the body, at least one.
    pub fn body(&mut self, left: u64) -> io::Result<&[u8]> {
        if self.begin == self.end {
            self.begin = 0;
            self.end = self.stream.read(&mut self.buffer)?;
            if self.end == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let begin = self.begin;
        self.begin += (self.end - begin).min(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(&self.buffer[begin..self.begin])
    }
}

fn parse(head: &str) -> Received {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "PUT" {
        return Received::Get { path: path.to_owned() };
    }
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Received::Put { name: path.trim_start_matches('/').replace('/', "_"), length: length.unwrap_or(0) }
}

//! A small HTTP client: one connection for each request, and a request that can be sent piece by piece.

use super::wait::DEADLINE;
use super::wire::{Body, Head};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// `http://host:port`, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub String);

impl Url {
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// `path` may be a whole URL of the same server.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let path = path.strip_prefix(&self.0).unwrap_or(path);
        let first_line = format!("{method} {path} HTTP/1.1");
        let host = ("Host".to_owned(), self.authority().to_owned());
        Request { to: self.clone(), head: Head { first_line, fields: vec![host] } }
    }

    /// Connects and sends `bytes` as they are, whatever they are.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> Exchange {
        let mut exchange = self.connect("GET").unwrap();
        // A server may refuse the first bytes and close; then what it said counts.
        drop(exchange.write(bytes.as_ref()));
        exchange
    }

    fn connect(&self, method: &str) -> io::Result<Exchange> {
        let stream = TcpStream::connect(self.authority())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Exchange { stream, method: method.to_owned() })
    }

    pub fn authority(&self) -> &str {
        self.0.trim_start_matches("http://")
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

pub struct Request {
    to: Url,
    head: Head,
}

impl Request {
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.head.fields.push((name.into(), value.to_string()));
        self
    }

    /// Connects and sends the head. Whoever sends a body says its length (or `Transfer-Encoding`) before.
    pub fn begin(self) -> io::Result<Exchange> {
        let mut exchange = self.to.connect(self.head.method())?;
        exchange.write(&self.head.to_bytes())?;
        Ok(exchange)
    }

    /// Without a body.
    pub fn try_send(self) -> io::Result<Answer> {
        self.begin()?.answer()
    }

    pub fn send(self) -> Answer {
        let what = self.head.first_line.clone();
        self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    pub fn try_send_body(self, length: u64, mut body: impl Read) -> io::Result<Answer> {
        let mut exchange = self.header("Content-Length", length).begin()?;
        // A server may answer before it has read everything; then its answer counts, not that we could not go on.
        let sent = io::copy(&mut body, &mut exchange.stream);
        match (exchange.answer(), sent) {
            (Err(_), Err(error)) => Err(error),
            (answer, _) => answer,
        }
    }

    pub fn send_body(self, body: &[u8]) -> Answer {
        let what = self.head.first_line.clone();
        self.try_send_body(body.len() as u64, body).unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

/// A request that is being sent.
pub struct Exchange {
    pub stream: TcpStream,
    method: String,
}

impl Exchange {
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Ends the connection in good order on this side: nothing more is sent, the answer can still be read.
    pub fn finish(&self) {
        drop(self.stream.shutdown(Shutdown::Write));
    }

    /// Ends the connection as a machine does that knows nothing of it any more.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }

    /// Reads whatever comes until the connection ends, which a server that refuses may also do by a reset.
    pub fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("{error} after {bytes:?}"),
            _ => bytes,
        }
    }

    /// Reads the whole answer.
    pub fn answer(self) -> io::Result<Answer> {
        let (head, mut reader) = self.open()?;
        let mut body = Vec::new();
        reader.read_to_end(&mut body)?;
        Ok(Answer { status: head.status()?, head, body })
    }

    /// Reads the answer's head and leaves the body to be read.
    pub fn open(self) -> io::Result<(Head, Body<BufReader<TcpStream>>)> {
        let mut reader = BufReader::new(self.stream);
        loop {
            let head = Head::read(&mut reader)?;
            let head = head.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no answer"))?;
            if head.status()? >= 200 {
                let framing = head.framing_of_answer(&self.method)?;
                return Ok((head, Body::new(reader, framing)));
            }
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: Head,
    pub body: Vec<u8>,
}

impl Answer {
    /// The header field's value, which must be there.
    pub fn field(&self, name: &str) -> &str {
        self.head.field(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.head))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{:?}\n{body:.2000}", self.head);
        self
    }
}

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// One connection to a server.
pub(in crate::http) struct Connection {
    stream: BufReader<TcpStream>,
    /// What came of a stream of events and was not asked for yet.
    events: String,
}

/// What came back, as it stood on the wire.
#[derive(Debug)]
pub(in crate::http) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Connection {
    pub(in crate::http) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { stream: BufReader::new(stream), events: String::new() }
    }

    pub(in crate::http) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// A request's head, with `Host` and an empty line after it.
    pub(in crate::http) fn send_head(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.send(format!("{head}\r\n").as_bytes());
    }

    /// Breaks the connection so that the server meets a reset.
    pub(in crate::http) fn reset(self) {
        let socket = tokio::net::TcpSocket::from_std_stream(self.stream.into_inner());
        socket.set_zero_linger().unwrap();
    }

    /// Says that nothing more will be sent, as a client does that goes away in good order.
    pub(in crate::http) fn finish(&mut self) {
        self.stream.get_mut().shutdown(Shutdown::Write).unwrap();
    }

    pub(in crate::http) fn read(&mut self, method: &str) -> Answer {
        let mut answer = self.read_head();
        if method == "HEAD" || answer.status == 204 || answer.status == 304 {
            return answer;
        }
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            self.stream.by_ref().take(length).read_to_end(&mut answer.body).unwrap();
        } else {
            assert_eq!(answer.header("transfer-encoding"), None, "every answer has a known length");
        }
        answer
    }

    /// The next event of a body in chunks that has no end; `None` where it ends all the same.
    pub(in crate::http) fn read_event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.events.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.events = rest;
                return Some(event);
            }
            let length = u64::from_str_radix(&self.read_line(), 16).unwrap();
            let mut chunk = String::new();
            self.stream.by_ref().take(length).read_to_string(&mut chunk).unwrap();
            assert_eq!(self.read_line(), "");
            if length == 0 {
                return None;
            }
            self.events += &chunk;
        }
    }

    pub(in crate::http) fn read_head(&mut self) -> Answer {
        let status = self.read_line();
        let status = status.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {status:?}")).parse();
        let mut headers = Vec::new();
        loop {
            let line = self.read_line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Answer { status: status.unwrap(), headers, body: Vec::new() }
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Whether the server closed the connection.
    pub(in crate::http) fn is_over(&mut self) -> bool {
        matches!(self.stream.fill_buf(), Ok([]))
    }
}

impl Answer {
    pub(in crate::http) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| *known == name.to_ascii_lowercase());
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands twice in {:?}", self.headers);
        value
    }

    pub(in crate::http) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text()))
    }

    pub(in crate::http) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Checks that it is a problem with this status and code, and gives its body.
    #[track_caller]
    pub(in crate::http) fn problem(&self, status: u16, code: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        problem
    }
}

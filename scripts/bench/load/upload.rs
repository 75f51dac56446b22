//! Uploads, by PUT, as a form, or by tus.

use crate::arguments::Arguments;
use crate::clients;
use crate::content::{BLOCK, Content};
use crate::http::{Connection, Head, Url};
use crate::outcome::Outcome;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const BOUNDARY: &str = "----swarm-upload-benchmark";
/// A body up to this size goes out together with its head, as browsers send it.
const WITH_HEAD: u64 = 64 << 10;

enum Protocol {
    Put,
    Form { file_field: String, fields: Vec<(String, String)> },
    Tus { patch: u64 },
}

struct Plan {
    url: Url,
    headers: String,
    protocol: Protocol,
    size: u64,
}

/// One file on its way over one connection.
struct Upload<'a> {
    plan: &'a Plan,
    name: String,
    content: Content,
    connection: &'a mut Option<Connection>,
    reconnects: u64,
}

pub fn run(arguments: &Arguments) -> Result<(), String> {
    let (count, first) = (arguments.or("count", 1)?, arguments.or("first", 1u64)?);
    let plan = Plan {
        url: Url::parse(&arguments.need::<String>("url")?)?,
        headers: arguments.all("header").map(|header| format!("{header}\r\n")).collect(),
        protocol: Protocol::parse(arguments)?,
        size: arguments.need("size")?,
    };
    let next = AtomicU64::new(0);
    clients::run(arguments.or("clients", 1)?, |_, outcome| {
        let mut connection = None;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let (id, begun) = (first + number, Instant::now());
            let name = format!("bench-{id}.bin");
            let content = Content { id };
            let mut upload =
                Upload { plan: &plan, name, content, connection: &mut connection, reconnects: 0 };
            let sent = upload.send();
            outcome.reconnects += upload.reconnects;
            match sent {
                Ok(head) => note(outcome, &plan, begun, head, upload.name),
                Err(problem) => outcome.failed(problem),
            }
        }
    })
}

fn note(outcome: &mut Outcome, plan: &Plan, begun: Instant, head: Head, name: String) {
    outcome.status(head.status);
    if !plan.is_stored(&head) {
        let offset = head.upload_offset.map(|offset| format!(", Upload-Offset {offset}"));
        return outcome.failed(format!("status {}{}", head.status, offset.unwrap_or_default()));
    }
    outcome.succeeded(begun);
    outcome.bytes += plan.size;
    (outcome.name, outcome.location) = (name, head.location);
}

impl Plan {
    /// Whether this last answer says that the server has it all. A form that was refused comes back with 200, to be filled in again.
    fn is_stored(&self, head: &Head) -> bool {
        match self.protocol {
            Protocol::Put => matches!(head.status, 200 | 201 | 204),
            Protocol::Form { .. } => matches!(head.status, 302 | 303),
            Protocol::Tus { .. } => head.status == 204 && head.upload_offset == Some(self.size),
        }
    }
}

impl Protocol {
    fn parse(arguments: &Arguments) -> Result<Self, String> {
        let field = |text: &str| {
            let (name, value) = text.split_once('=').ok_or(format!("--field {text}: NAME=VALUE"))?;
            Ok::<_, String>((name.to_owned(), value.to_owned()))
        };
        Ok(match arguments.need::<String>("by")?.as_str() {
            "put" => Self::Put,
            "form" => Self::Form {
                file_field: arguments.or("file-field", "file".to_owned())?,
                fields: arguments.all("field").map(field).collect::<Result<_, _>>()?,
            },
            "tus" => match arguments.or("patch", 0u64)? {
                0 => Self::Tus { patch: u64::MAX },
                patch if patch.is_multiple_of(BLOCK as u64) => Self::Tus { patch },
                _ => return Err("--patch: whole MiB".into()),
            },
            other => return Err(format!("--by {other}: put, form or tus")),
        })
    }
}

impl Upload<'_> {
    /// Returns the last answer.
    fn send(&mut self) -> io::Result<Head> {
        let (plan, size) = (self.plan, self.plan.size);
        match &plan.protocol {
            Protocol::Put => {
                let line = format!("PUT {}{} HTTP/1.1", plan.url.path, self.name);
                self.request(&line, "Content-Type: application/octet-stream\r\n", "", Some((0, size)), "")
            }
            Protocol::Form { file_field, fields } => {
                let headers = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n");
                let before = form(fields, file_field, &self.name);
                let line = format!("POST {} HTTP/1.1", plan.url.path);
                self.request(&line, &headers, &before, Some((0, size)), &format!("\r\n--{BOUNDARY}--\r\n"))
            }
            Protocol::Tus { patch } => self.tus(*patch),
        }
    }

    fn tus(&mut self, patch: u64) -> io::Result<Head> {
        let size = self.plan.size;
        let name = base64(self.name.as_bytes());
        let headers =
            format!("Tus-Resumable: 1.0.0\r\nUpload-Length: {size}\r\nUpload-Metadata: filename {name}\r\n");
        let created =
            self.request(&format!("POST {} HTTP/1.1", self.plan.url.path), &headers, "", None, "")?;
        if created.status != 201 {
            return Ok(created);
        }
        let path = path_of(&created.location);
        let (line, mut offset) = (format!("PATCH {path} HTTP/1.1"), 0);
        loop {
            let headers = format!(
                "Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\n"
            );
            let piece = patch.min(size - offset);
            let mut answer = self.request(&line, &headers, "", Some((offset, piece)), "")?;
            offset += piece;
            if offset == size || answer.status != 204 || answer.upload_offset != Some(offset) {
                answer.location = created.location;
                return Ok(answer);
            }
        }
    }

    /// One request with `part` of the content (offset and length) between `before` and `after`.
    fn request(
        &mut self,
        line: &str,
        headers: &str,
        before: &str,
        part: Option<(u64, u64)>,
        after: &str,
    ) -> io::Result<Head> {
        let whole = part.map_or(0, |part| part.1) + (before.len() + after.len()) as u64;
        let (host, more) = (&self.plan.url.host, &self.plan.headers);
        let head =
            format!("{line}\r\nHost: {host}\r\n{more}{headers}Content-Length: {whole}\r\n\r\n{before}");
        if let Some(mut kept) = self.connection.take() {
            match self.exchange(&mut kept, &head, part, after) {
                // It may have been closed meanwhile: that is no failure, but counted, and tried once more. Of a body that goes out
                // piece by piece nobody can tell.
                Err(problem) if whole <= WITH_HEAD && kept.was_closed(&problem) => self.reconnects += 1,
                answer => return self.keep(kept, answer),
            }
        }
        let mut new = Connection::open(host, 16 << 10)?;
        let answer = self.exchange(&mut new, &head, part, after);
        self.keep(new, answer)
    }

    /// The answer counts even if the server did not want to read everything.
    fn exchange(
        &self,
        connection: &mut Connection,
        head: &str,
        part: Option<(u64, u64)>,
        after: &str,
    ) -> io::Result<Head> {
        let (offset, length) = part.unwrap_or_default();
        let mut first = head.as_bytes().to_vec();
        let sent = if length <= WITH_HEAD {
            self.content.write(&mut first, offset, length)?;
            first.extend_from_slice(after.as_bytes());
            connection.writer().write_all(&first)
        } else {
            let writer = connection.writer();
            let sent = writer.write_all(&first).and_then(|()| self.content.write(writer, offset, length));
            sent.and_then(|()| writer.write_all(after.as_bytes()))
        };
        let answer = match (sent, connection.head()) {
            (_, Ok(answer)) => answer,
            (Err(problem), _) | (_, Err(problem)) => return Err(problem),
        };
        connection.body(&answer, |_| {})?;
        Ok(answer)
    }

    /// For the next request, unless it is of no more use.
    fn keep(&mut self, connection: Connection, answer: io::Result<Head>) -> io::Result<Head> {
        *self.connection = answer.as_ref().is_ok_and(|head| !head.closes).then_some(connection);
        answer
    }
}

/// Everything of a form up to the file's bytes.
fn form(fields: &[(String, String)], file_field: &str, file: &str) -> String {
    let part = |(name, value): &(String, String)| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: String = fields.iter().map(part).collect();
    format!(
        "{fields}--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{file_field}\"; filename=\"{file}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
}

/// Of a location, which may be a whole URL.
fn path_of(location: &str) -> String {
    Url::parse(location).map_or_else(|_| location.to_owned(), |url| url.path)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(if digit <= group.len() { DIGITS[value as usize] as char } else { '=' });
        }
    }
    text
}

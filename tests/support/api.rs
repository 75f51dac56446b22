//! What a client does with the service, in one line each.

use super::client::{Answer, Exchange, Url};
use super::content::{Content, Sum};
use serde_json::Value;
use std::io;
use std::ops::Range;

/// Uploads with PUT and returns the record.
pub fn put(at: &Url, name: &str, content: Content) -> Value {
    let request = at.request("PUT", &format!("/api/uploads/{name}"));
    let answer = request.try_send_body(content.length, content.reader(0..content.length)).unwrap();
    let mut uploads = answer.expect(201).json()["uploads"].take();
    assert_eq!(uploads.as_array().map(Vec::len), Some(1), "{uploads}");
    uploads[0].take()
}

pub fn record(at: &Url, id: &str) -> Value {
    at.get(&format!("/api/uploads/{id}")).send().expect(200).json()
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {value}"))
}

pub fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("{field} is no number in {value}"))
}

pub fn content_path(id: &str) -> String {
    format!("/api/uploads/{id}/content")
}

/// The upload is complete, and what was recorded and what comes back are the very bytes.
#[track_caller]
pub fn assert_stored(at: &Url, id: &str, content: Content) {
    let expected = content.sha256();
    let stored = record(at, id);
    assert_eq!(text(&stored, "state"), "complete", "{stored}");
    assert_eq!((number(&stored, "size_bytes"), text(&stored, "sha256")), (content.length, expected.as_str()));
    let (head, mut body) = at.get(&content_path(id)).begin().unwrap().open().unwrap();
    assert_eq!(head.status().unwrap(), 200, "{head:?}");
    let mut sum = Sum::default();
    assert_eq!(io::copy(&mut body, &mut sum).unwrap(), content.length);
    assert_eq!(sum.hex(), expected);
}

/// The container ids of the backends that stored the upload, in order; its segments cover it without a gap.
#[track_caller]
pub fn backends_of(record: &Value) -> Vec<String> {
    let segments = record["segments"].as_array().unwrap();
    let end = segments.iter().fold(0, |end, segment| {
        assert_eq!(number(segment, "offset"), end, "{record}");
        end + number(segment, "length")
    });
    assert_eq!(end, number(record, "size_bytes"), "{record}");
    segments.iter().map(|segment| text(segment, "backend_container_id").to_owned()).collect()
}

/// How many bytes of one upload reach three backends, however large its chunks are. Eight of them go to one, and a chunk is no
/// larger than a third of a frontend's budget, 24 MiB.
pub const FOR_THREE_BACKENDS: u64 = (2 * 8 + 1) * (24 << 20) / 3;

/// One tus upload, which any frontend can go on with.
#[derive(Clone)]
pub struct Tus {
    pub path: String,
}

impl Tus {
    pub fn create(at: &Url, length: u64) -> Self {
        Self::try_create(at, length).unwrap()
    }

    /// Fails if there is no answer; one that is there is a good one.
    pub fn try_create(at: &Url, length: u64) -> io::Result<Self> {
        let request = tus(at, "POST", "/files/").header("Upload-Length", length);
        let request = request.header("Upload-Metadata", "filename dGVzdC5iaW4=");
        let answer = request.try_send_body(0, io::empty())?.expect(201);
        let location = answer.field("Location");
        assert!(location.starts_with("/files/"), "a path without a host: {location}");
        Ok(Self { path: location.to_owned() })
    }

    pub fn id(&self) -> &str {
        self.path.trim_start_matches("/files/")
    }

    pub fn offset(&self, at: &Url) -> u64 {
        let answer = tus(at, "HEAD", &self.path).send().expect(200);
        answer.field("Upload-Offset").parse().unwrap()
    }

    /// Begins to append `length` bytes, which are the caller's to write.
    pub fn begin(&self, at: &Url, offset: u64, length: u64) -> Exchange {
        self.try_begin(at, offset, length).unwrap()
    }

    /// Fails if nobody listens there.
    fn try_begin(&self, at: &Url, offset: u64, length: u64) -> io::Result<Exchange> {
        let request = tus(at, "PATCH", &self.path).header("Content-Type", "application/offset+octet-stream");
        request.header("Upload-Offset", offset).header("Content-Length", length).begin()
    }

    pub fn append(&self, at: &Url, content: Content, range: Range<u64>) -> io::Result<Answer> {
        let mut exchange = self.try_begin(at, range.start, range.end - range.start)?;
        let sent = io::copy(&mut content.reader(range), &mut exchange.stream);
        exchange.answer().or_else(|error| sent.and(Err(error)))
    }

    /// As a client that resumes: asks for the offset and appends the rest, until everything is there.
    pub fn finish(&self, at: &Url, content: Content) {
        for _ in 0..20 {
            let offset = self.offset(at);
            if offset == content.length {
                return;
            }
            drop(self.append(at, content, offset..content.length));
        }
        panic!("the upload of {} does not end", self.path);
    }
}

/// A request of the tus protocol 1.0.0.
pub fn tus(at: &Url, method: &str, path: &str) -> super::client::Request {
    at.request(method, path).header("Tus-Resumable", "1.0.0")
}

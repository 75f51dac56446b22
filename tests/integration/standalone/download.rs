use super::Service;
use crate::support::api::{content_path, put, text};
use crate::support::client::Request;
use crate::support::content::Content;
use crate::support::multipart::parts;

const LENGTH: u64 = 10_000_000;

/// A service with one file, and the content's path and ETag.
struct Stored {
    service: Service,
    content: Content,
    path: String,
    tag: String,
}

impl Stored {
    fn new() -> Self {
        let service = Service::start();
        let content = Content::new(1, LENGTH);
        let id = text(&put(service.url(), "data.bin", content), "id").to_owned();
        Self { service, content, path: content_path(&id), tag: format!("\"{id}\"") }
    }

    fn get(&self) -> Request {
        self.service.url().get(&self.path)
    }
}

#[test]
fn the_whole_file_says_what_it_is() {
    let stored = Stored::new();
    let answer = stored.get().send().expect(200);
    assert!(answer.body == stored.content.all());
    assert_eq!(answer.field("Content-Length"), LENGTH.to_string());
    assert_eq!(answer.field("ETag"), stored.tag);
    assert_eq!(answer.field("Accept-Ranges"), "bytes");
    assert_eq!(answer.field("X-Content-Type-Options"), "nosniff");
    assert!(answer.field("Content-Disposition").contains("data.bin"));
    assert!(answer.field("Repr-Digest").starts_with("sha-256=:"));
    let head = stored.service.url().request("HEAD", &stored.path).send().expect(200);
    assert_eq!((head.field("Content-Length"), head.field("ETag")), ("10000000", stored.tag.as_str()));
}

#[test]
fn one_range_is_206_with_exactly_these_bytes() {
    let stored = Stored::new();
    for (range, from, to) in [
        ("0-0", 0, 1),
        ("4999999-5000001", 4_999_999, 5_000_002),
        ("-5", LENGTH - 5, LENGTH),
        ("9999990-", 9_999_990, LENGTH),
    ] {
        let answer = stored.get().header("Range", format!("bytes={range}")).send().expect(206);
        assert_eq!(answer.field("Content-Range"), format!("bytes {from}-{}/{LENGTH}", to - 1));
        assert!(answer.body == stored.content.bytes(from..to), "{range}");
    }
}

#[test]
fn several_ranges_are_the_parts_of_one_answer() {
    let stored = Stored::new();
    let answer = stored.get().header("Range", "bytes=0-9, 5000000-5000099, -1").send().expect(206);
    let content_type = answer.field("Content-Type").to_owned();
    assert!(content_type.starts_with("multipart/byteranges"), "{content_type}");
    assert_eq!(answer.field("Content-Length"), answer.body.len().to_string());
    let expected = [0..10, 5_000_000..5_000_100, LENGTH - 1..LENGTH].map(|range| {
        (format!("bytes {}-{}/{LENGTH}", range.start, range.end - 1), stored.content.bytes(range))
    });
    assert_eq!(parts(&content_type, &answer.body), expected);
}

#[test]
fn a_range_behind_the_end_is_416_and_says_the_length() {
    let stored = Stored::new();
    let answer = stored.get().header("Range", "bytes=10000000-").send().expect(416);
    assert_eq!(answer.field("Content-Range"), "bytes */10000000");
}

#[test]
fn a_range_of_something_else_is_the_whole() {
    let stored = Stored::new();
    for (condition, status) in [(stored.tag.as_str(), 206), ("\"another\"", 200)] {
        stored.get().header("Range", "bytes=0-9").header("If-Range", condition).send().expect(status);
    }
}

#[test]
fn what_the_client_has_already_is_304() {
    let stored = Stored::new();
    let modified = stored.get().header("Range", "bytes=0-0").send().field("Last-Modified").to_owned();
    for (name, value, status) in [
        ("If-None-Match", stored.tag.as_str(), 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", "\"another\"", 200),
        ("If-Modified-Since", modified.as_str(), 304),
        ("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT", 200),
    ] {
        let answer = stored.get().header(name, value).send().expect(status);
        assert_eq!(answer.body.is_empty(), status == 304, "{name}: {value}");
    }
}

#[test]
fn a_name_beyond_ascii_survives_the_way_through() {
    let service = Service::start();
    let record = put(service.url(), "%C3%BCber%20uns%20%E6%96%87.txt", Content::new(2, 10));
    assert_eq!(text(&record, "filename"), "über uns 文.txt");
    let answer = service.url().get(&content_path(text(&record, "id"))).send().expect(200);
    let disposition = answer.field("Content-Disposition");
    assert!(disposition.contains("filename*=UTF-8''%C3%BCber%20uns%20%E6%96%87.txt"), "{disposition}");
}

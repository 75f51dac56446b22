//! The disk is full: uploads are refused with 507 and leave nothing, all else goes on, and so do uploads once there is room.

mod folder;
mod postgres;

use crate::support::api::{Tus, assert_stored, number, put, record, text};
use crate::support::client::{Answer, Url};
use crate::support::content::Content;
use crate::support::multipart;

const MIB: u64 = 1 << 20;

fn try_put(at: &Url, name: &str, content: Content) -> Answer {
    let request = at.request("PUT", &format!("/api/uploads/{name}"));
    request.try_send_body(content.length, content.reader(0..content.length)).unwrap()
}

#[track_caller]
fn assert_no_room(answer: Answer) {
    let answer = answer.expect(507);
    assert_eq!(answer.field("Content-Type"), "application/problem+json");
    assert_eq!(answer.json()["code"], "storage_full", "{}", answer.text());
}

/// The names of all records, complete or not.
fn names(at: &Url) -> Vec<String> {
    let list = at.get("/api/uploads?state=all&limit=1000").send().expect(200).json();
    let uploads = list["uploads"].as_array().unwrap();
    uploads.iter().map(|upload| upload["filename"].as_str().unwrap().to_owned()).collect()
}

/// Uploads files of `size_bytes` until one is refused, and returns those that are stored.
fn fill_with_uploads(at: &Url, size_bytes: u64) -> Vec<(String, Content)> {
    let mut stored = Vec::new();
    loop {
        let content = Content::new(stored.len() as u64, size_bytes);
        let answer = try_put(at, "filler", content);
        if answer.status != 201 {
            assert_no_room(answer);
            return stored;
        }
        let uploads = &answer.json()["uploads"];
        stored.push((uploads[0]["id"].as_str().unwrap().to_owned(), content));
        assert!(stored.len() < 1000, "the disk does not get full");
    }
}

/// Every way in is refused as it should be, and leaves nothing; what is stored can be read. `half` has a part stored already.
fn assert_refuses_and_reads(at: &Url, half: (&Tus, Content, u64), size_bytes: u64) {
    let before = names(at);
    let content = Content::new(77, size_bytes);
    assert_no_room(try_put(at, "put", content));
    let (content_type, form) = multipart::form(&[("form", &content.all())]);
    assert_no_room(at.request("POST", "/api/uploads").header("Content-Type", content_type).send_body(&form));
    assert_eq!(names(at), before, "a refused upload leaves no record");

    let (upload, content, offset) = half;
    assert_no_room(upload.append(at, content, offset..content.length).unwrap());
    let now = upload.offset(at);
    assert!((offset..content.length).contains(&now), "{now}");
    assert_eq!(number(&record(at, upload.id()), "received_bytes"), now);
}

/// An upload of which only a part is stored.
fn begin_half(at: &Url) -> (Tus, Content, u64) {
    let content = Content::new(99, 9_000_000);
    let upload = Tus::create(at, content.length);
    upload.append(at, content, 0..1_000_000).unwrap().expect(204);
    (upload, content, 1_000_000)
}

/// As on the first day: what waited goes on, and new files come in.
fn assert_normal(at: &Url, (upload, content, _): (Tus, Content, u64)) {
    upload.finish(at, content);
    assert_stored(at, upload.id(), content);
    let content = Content::new(55, 5_000_000);
    assert_stored(at, text(&put(at, "new", content), "id"), content);
}

#[track_caller]
fn delete(at: &Url, id: &str) {
    at.request("DELETE", &format!("/api/uploads/{id}")).send().expect(204);
}

//! tus 1.0.0, request by request. The words in the tests' names are the protocol's.

use super::Service;
use crate::support::api::{Tus, assert_stored, tus};
use crate::support::content::Content;

const PATCH_TYPE: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

#[test]
fn options_says_what_the_server_can_do() {
    let service = Service::start();
    let answer = service.url().request("OPTIONS", "/files/").send();
    assert!(matches!(answer.status, 200 | 204), "{}", answer.status);
    assert_eq!((answer.field("Tus-Resumable"), answer.field("Tus-Version")), ("1.0.0", "1.0.0"));
    let extensions: Vec<&str> = answer.field("Tus-Extension").split(',').map(str::trim).collect();
    let offered = ["creation", "creation-with-upload", "creation-defer-length", "termination"];
    assert_eq!(extensions, offered, "what is there, and no more");
    assert_eq!(answer.field("Tus-Max-Size").parse::<u64>().unwrap(), 10 << 30);
}

#[test]
fn an_upload_is_created_appended_to_and_resumed() {
    let service = Service::start();
    let content = Content::new(1, 3_000_000);
    let upload = Tus::create(service.url(), content.length);
    assert_eq!(upload.offset(service.url()), 0);
    let answer = upload.append(service.url(), content, 0..1_000_000).unwrap().expect(204);
    assert_eq!(answer.field("Upload-Offset"), "1000000");
    let head = tus(service.url(), "HEAD", &upload.path).send().expect(200);
    assert_eq!((head.field("Upload-Offset"), head.field("Upload-Length")), ("1000000", "3000000"));
    assert_eq!(head.field("Cache-Control"), "no-store");
    upload.append(service.url(), content, 1_000_000..3_000_000).unwrap().expect(204);
    assert_stored(service.url(), upload.id(), content);
}

#[test]
fn what_arrived_before_a_connection_broke_is_there_to_resume_from() {
    let service = Service::start();
    let content = Content::new(2, 3_000_000);
    let upload = Tus::create(service.url(), content.length);
    let mut exchange = upload.begin(service.url(), 0, content.length);
    exchange.write(&content.bytes(0..1_234_567)).unwrap();
    crate::support::wait::until("the bytes are there", || {
        (upload.offset(service.url()) == 1_234_567).then_some(())
    });
    drop(exchange);
    upload.finish(service.url(), content);
    assert_stored(service.url(), upload.id(), content);
}

#[test]
fn an_append_at_a_wrong_offset_is_409_and_changes_nothing() {
    let service = Service::start();
    let content = Content::new(3, 1000);
    let upload = Tus::create(service.url(), content.length);
    upload.append(service.url(), content, 0..500).unwrap().expect(204);
    for range in [0..100, 600..700] {
        upload.append(service.url(), content, range).unwrap().expect(409);
    }
    assert_eq!(upload.offset(service.url()), 500);
}

#[test]
fn a_request_that_is_not_tus_1_0_0_is_412_and_is_told_the_version() {
    let service = Service::start();
    let request = service.url().request("POST", "/files/").header("Tus-Resumable", "0.2.2");
    let answer = request.header("Upload-Length", 1).send_body(&[]).expect(412);
    assert_eq!(answer.field("Tus-Version"), "1.0.0");
}

#[test]
fn an_append_of_another_content_type_is_415() {
    let service = Service::start();
    let upload = Tus::create(service.url(), 3);
    let request = tus(service.url(), "PATCH", &upload.path).header("Upload-Offset", 0);
    request.header("Content-Type", "text/plain").send_body(b"abc").expect(415);
    assert_eq!(upload.offset(service.url()), 0);
}

#[test]
fn an_upload_may_come_with_its_creation() {
    let service = Service::start();
    let content = Content::new(4, 200_000);
    let request = tus(service.url(), "POST", "/files/").header("Upload-Length", content.length);
    let answer = request.header(PATCH_TYPE.0, PATCH_TYPE.1).send_body(&content.all()).expect(201);
    assert_eq!(answer.field("Upload-Offset"), "200000");
    let id = answer.field("Location").trim_start_matches("/files/").to_owned();
    assert_stored(service.url(), &id, content);
}

#[test]
fn a_deferred_length_is_declared_later() {
    let service = Service::start();
    let content = Content::new(5, 1000);
    let created = tus(service.url(), "POST", "/files/").header("Upload-Defer-Length", 1).send_body(&[]);
    let upload = Tus { path: created.expect(201).field("Location").to_owned() };
    assert_eq!(tus(service.url(), "HEAD", &upload.path).send().expect(200).field("Upload-Defer-Length"), "1");
    upload.append(service.url(), content, 0..400).unwrap().expect(204);
    let request = tus(service.url(), "PATCH", &upload.path).header(PATCH_TYPE.0, PATCH_TYPE.1);
    let request = request.header("Upload-Offset", 400).header("Upload-Length", 1000);
    request.send_body(&content.bytes(400..1000)).expect(204);
    assert_stored(service.url(), upload.id(), content);
}

#[test]
fn a_terminated_upload_is_410() {
    let service = Service::start();
    let upload = Tus::create(service.url(), 5);
    tus(service.url(), "DELETE", &upload.path).send().expect(204);
    tus(service.url(), "HEAD", &upload.path).send().expect(410);
}

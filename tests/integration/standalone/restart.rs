use super::Service;
use crate::support::api::{Tus, assert_stored, put, text, tus};
use crate::support::content::Content;
use crate::support::wait::until;
use std::fs;

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let mut service = Service::start();
    let complete = Content::new(1, 3_000_000);
    let id = text(&put(service.url(), "a", complete), "id").to_owned();
    let half = Content::new(2, 3_000_000);
    let upload = Tus::create(service.url(), half.length);
    upload.append(service.url(), half, 0..1_500_000).unwrap().expect(204);
    service.process.kill();
    service.process = Service::run(&service.folder, &[]);
    assert_stored(service.url(), &id, complete);
    assert_eq!(upload.offset(service.url()), 1_500_000);
    upload.finish(service.url(), half);
    assert_stored(service.url(), upload.id(), half);
}

#[test]
fn sigterm_ends_the_service_in_good_order() {
    let mut service = Service::start();
    let content = Content::new(3, 4_000_000);
    let request = service.url().request("PUT", "/api/uploads/last").header("Content-Length", content.length);
    let mut exchange = request.begin().unwrap();
    exchange.write(&content.bytes(0..1_000_000)).unwrap();
    service.process.terminate();
    until("it is not ready any more", || {
        let answer = service.url().get("/readyz").try_send();
        answer.map_or(true, |answer| answer.status == 503).then_some(())
    });
    exchange.write(&content.bytes(1_000_000..4_000_000)).unwrap();
    let answer = exchange.answer().unwrap().expect(201);
    assert_eq!(text(&answer.json()["uploads"][0], "sha256"), content.sha256());
    assert_eq!(service.process.wait_for_exit().code(), Some(0));
}

#[test]
fn what_expired_while_the_service_was_away_is_removed_when_it_is_back() {
    let options = ["--upload-ttl", "3s"];
    let mut service = Service::start_with(&options);
    let content = Content::new(4, 3_000_000);
    let kept = text(&put(service.url(), "kept", content), "id").to_owned();
    let left = Tus::create(service.url(), content.length);
    left.append(service.url(), content, 0..1_500_000).unwrap().expect(204);
    service.process.kill();
    service.process = Service::run(&service.folder, &options);
    until("the upload has expired", || {
        (tus(service.url(), "HEAD", &left.path).send().status == 410).then_some(())
    });
    let blobs = service.folder.path().join("data/blobs");
    let files = || -> usize {
        let entries = fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|entry| entry.is_dir()).map(|folder| fs::read_dir(folder).unwrap().count()).sum()
    };
    until("its bytes are deleted", || (files() == 1).then_some(()));
    assert_stored(service.url(), &kept, content);
}

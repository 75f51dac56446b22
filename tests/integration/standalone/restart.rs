use super::Service;
use crate::support::api::{Tus, assert_stored, put, text};
use crate::support::content::Content;
use crate::support::wait::until;

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

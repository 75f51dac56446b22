use super::Service;
use crate::support::api::{Tus, assert_stored, content_path, put, text, tus};
use crate::support::client::Url;
use crate::support::content::Content;
use crate::support::wait::until;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};

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
fn a_service_that_ends_waits_for_a_client_that_has_not_taken_its_answer() {
    let mut service = Service::start_with(&["--shutdown-grace", "1s"]);
    let id = text(&put(service.url(), "a", Content::new(5, 32_000)), "id").to_owned();
    let mut slow = connect_with_a_small_window(service.url());
    write!(slow, "GET {} HTTP/1.1\r\nHost: a\r\n\r\n", content_path(&id)).unwrap();
    let served = format!("GET {} 200", content_path(&id));
    until("all of the answer is with the kernel", || service.process.has_logged(&served).then_some(()));
    service.process.terminate();
    assert_eq!(service.process.wait_for_exit().code(), Some(0));
    assert!(service.process.has_logged("some clients have not taken the rest of their answers"));
}

fn connect_with_a_small_window(to: &Url) -> TcpStream {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    sockopt::set_socket_recv_buffer_size(&socket, 4096).unwrap();
    connect(&socket, &to.authority().parse::<SocketAddr>().unwrap()).unwrap();
    socket.into()
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

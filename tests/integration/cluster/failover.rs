//! A second database server takes over: a URL with both hosts finds it, without a restart of anybody.

use super::MIB;
use crate::support::api::{Tus, assert_stored, text};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::postgres_server::PostgresServer;
use crate::support::wait::until;
use std::io;
use std::thread;

const CONTENT: Content = Content::new(1, 24 * MIB);

/// The first server ends in the middle of uploads, the second is promoted once that was noticed.
fn uploads_go_on_at_the_second_server(end: fn(&mut PostgresServer)) {
    let mut first = PostgresServer::start();
    let second = first.start_standby();
    let hosts = format!("{},{}", first.address(), second.address());
    let url = format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write&sslmode=disable");
    let cluster = Cluster::start_over(url, Store::Postgres, 2, 1);
    let at = cluster.at(0).clone();
    let upload = Tus::create(&at, CONTENT.length);
    let mut appending = upload.begin(&at, 0, CONTENT.length);
    appending.write(&CONTENT.bytes(0..5 * MIB)).unwrap();
    until("the first bytes are stored", || (upload.offset(&at) == 5 * MIB).then_some(()));
    let request = at.request("PUT", "/api/uploads/a").header("Content-Length", CONTENT.length);
    let mut putting = request.begin().unwrap();
    putting.write(&CONTENT.bytes(0..5 * MIB)).unwrap();

    end(&mut first);
    let going_on = [appending, putting].map(|mut exchange| {
        thread::spawn(move || {
            io::copy(&mut CONTENT.reader(5 * MIB..CONTENT.length), &mut exchange.stream).unwrap();
            exchange.answer().unwrap()
        })
    });
    cluster.backends.iter().for_each(|backend| backend.wait_until_not_ready());
    second.promote();
    let [appended, put] = going_on.map(|exchange| exchange.join().unwrap());
    appended.expect(204);
    let record = put.expect(201).json()["uploads"][0].take();
    for id in [upload.id(), text(&record, "id")] {
        assert_stored(&at, id, CONTENT);
    }
    cluster.backends.iter().for_each(|backend| backend.wait_until_ready());
    assert_eq!(cluster.frontends[0].logged("Ejected"), [""; 0]);
    // One that starts now finds the second server, too.
    cluster.start_backend(2).wait_until_ready();
}

#[test]
fn uploads_go_on_at_a_second_server_when_the_first_is_killed() {
    uploads_go_on_at_the_second_server(PostgresServer::kill);
}

#[test]
fn uploads_go_on_at_a_second_server_when_the_first_hangs_and_never_answers_again() {
    uploads_go_on_at_the_second_server(|server| server.freeze());
}

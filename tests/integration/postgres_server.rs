//! The server that tests take away: an outage that does not happen would let every other test pass.

use crate::support::postgres_server::PostgresServer;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

const READ: &str = "SELECT n FROM t";

fn with_a_row() -> PostgresServer {
    let server = PostgresServer::start();
    server.run("CREATE TABLE t AS SELECT 7::bigint AS n");
    server
}

#[test]
fn what_was_committed_is_there_after_a_kill_and_after_a_stop() {
    let mut server = with_a_row();
    server.kill();
    assert!(server.try_run("SELECT 1").is_err());
    server.start_again();
    assert_eq!(server.count(READ), 7);
    server.stop();
    assert!(server.try_run("SELECT 1").is_err());
    server.start_again();
    assert_eq!(server.count(READ), 7);
}

#[test]
fn a_frozen_server_answers_nothing_until_it_is_thawed() {
    let server = with_a_row();
    server.freeze();
    thread::scope(|scope| {
        let (answer, answered) = channel();
        let server = &server;
        scope.spawn(move || answer.send(server.count(READ)));
        let silence = answered.recv_timeout(Duration::from_millis(300));
        server.thaw();
        assert_eq!(silence, Err(RecvTimeoutError::Timeout));
        assert_eq!(answered.recv().unwrap(), 7);
    });
}

use super::{
    MIB, assert_no_room, assert_normal, assert_refuses_and_reads, begin_half, delete, fill_with_uploads,
    names, try_put,
};
use crate::support::api::{assert_stored, text};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::postgres::Database;
use crate::support::postgres_server::{PostgresServer, adopt};
use crate::support::process::Process;
use crate::support::small_disk::SmallDisk;
use crate::support::wait::until;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn a_folder_that_backends_have_filled_has_room_again_when_an_upload_is_deleted() {
    let disk = SmallDisk::mount(160);
    let database = Database::create();
    let folder = format!("file://{}", disk.path().display());
    let options = ["--role", "backend", "--database-url", &database.url, "--blob-store", &folder];
    let backends = [Process::start("backend 0", options), Process::start("backend 1", options)];
    let urls: Vec<_> = backends.iter().flat_map(|backend| ["--backend", &backend.url.0]).collect();
    let frontend = Process::start("frontend", ["--role", "frontend"].iter().chain(&urls));
    backends.iter().chain([&frontend]).for_each(Process::wait_until_ready);
    let at = &frontend.url;
    let half = begin_half(at);
    let stored = fill_with_uploads(at, 9 * MIB);
    assert_refuses_and_reads(at, (&half.0, half.1, half.2), 9 * MIB);
    stored[..3].iter().for_each(|(id, _)| delete(at, id));
    assert_normal(at, half);
    stored[3..].iter().for_each(|(id, content)| assert_stored(at, id, *content));
}

#[test]
fn tables_that_have_filled_their_disk_take_uploads_again_once_others_are_deleted() {
    let disk = SmallDisk::mount(64);
    let server = PostgresServer::start();
    let folder = disk.path().join("tables");
    fs::create_dir(&folder).unwrap();
    adopt(&folder);
    server.run(&format!("CREATE TABLESPACE small LOCATION '{}'", folder.display()));
    let url = format!("{}&options=-c%20default_tablespace%3Dsmall", server.url());
    let cluster = Cluster::start_over(url, Store::Postgres, 2, 1);
    let at = cluster.at(0);
    let half = begin_half(at);
    let stored = fill_with_uploads(at, 5 * MIB);
    assert_refuses_and_reads(at, (&half.0, half.1, half.2), 9 * MIB);
    stored.iter().for_each(|(id, content)| assert_stored(at, id, *content));
    // To delete rows PostgreSQL has to write a few, and to vacuum them too, so the last page is one too late.
    disk.resize(70);
    stored[..4].iter().for_each(|(id, _)| delete(at, id));
    // As autovacuum does within a minute. What now goes in does not fit into what the disk has grown by.
    server.run("VACUUM");
    assert_normal(at, half);
    stored[4..].iter().for_each(|(id, content)| assert_stored(at, id, *content));
    cluster.backends.iter().for_each(Process::wait_until_ready);
}

/// PostgreSQL stops itself where its log cannot be written, and cannot start until there is room.
#[test]
fn a_log_that_has_filled_its_disk_is_an_outage_that_loses_nothing() {
    let disk = SmallDisk::mount(48);
    let folder = tempfile::tempdir().unwrap();
    let mut server = PostgresServer::start_in(folder.path());
    server.stop();
    let log = folder.path().join("data/pg_wal");
    assert!(Command::new("cp").arg("-a").arg(&log).arg(disk.path()).status().unwrap().success());
    fs::remove_dir_all(&log).unwrap();
    symlink(disk.path().join("pg_wal"), &log).unwrap();
    server.start_again();
    let cluster = Cluster::start_over(server.url(), Store::Postgres, 2, 1);
    let half = begin_half(cluster.at(0));

    // Asked directly, a backend tells at once what a frontend tries to get past for a minute.
    let at = &cluster.backends[0].url;
    let mut stored = Vec::new();
    let refused = loop {
        let content = Content::new(stored.len() as u64, 900_000);
        let answer = try_put(at, "stored", content);
        if answer.status != 201 {
            break answer;
        }
        stored.push((text(&answer.json()["uploads"][0], "id").to_owned(), content));
    };
    // The session that hits the end of the log may still be told why.
    if refused.status != 503 {
        assert_no_room(refused);
    }
    until("PostgreSQL gives up", || server.has_ended().then_some(()));
    let refused = try_put(at, "refused", Content::new(0, 1000)).expect(503);
    assert_eq!(refused.json()["code"], "unavailable", "{}", refused.text());
    refused.field("Retry-After");
    cluster.backends.iter().for_each(|backend| drop(backend.url.get("/healthz").send().expect(200)));

    disk.resize(400);
    server.start_again();
    cluster.frontends.iter().for_each(Process::wait_until_ready);
    let at = cluster.at(0);
    stored.iter().for_each(|(id, content)| assert_stored(at, id, *content));
    assert!(!names(at).iter().any(|name| name == "refused"));
    assert_normal(at, half);
}

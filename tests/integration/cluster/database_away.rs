//! The database goes away, for a while or for longer, and comes back: nobody dies of it, and nothing is lost.

use super::MIB;
use crate::support::api::{Tus, assert_stored, content_path, number, put, text, tus};
use crate::support::client::{Answer, Exchange, Url};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::{Content, Sum};
use crate::support::listener::Listener;
use crate::support::multipart::form;
use crate::support::postgres_server::PostgresServer;
use crate::support::wait::until;
use std::io::{self, Read};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const CONTENT: Content = Content::new(1, 24 * MIB);
/// Of which so much is stored when the database goes away.
const STORED: u64 = 5 * MIB;
/// Does not fit into the sockets between the store and a client.
const LONG: Content = Content::new(2, 64 * MIB);

/// A cluster of each kind over one server.
fn clusters(server: &PostgresServer) -> [Cluster; 2] {
    server.run("CREATE DATABASE folder");
    [(Store::Postgres, "postgres"), (Store::Local, "folder")]
        .map(|(store, database)| Cluster::start_over(server.url_of(database), store, 2, 1))
}

/// A PUT in the middle: its first bytes are stored, the others not sent yet.
fn put_in_the_middle(at: &Url) -> Exchange {
    let request = at.request("PUT", "/api/uploads/a").header("Content-Length", CONTENT.length);
    let mut exchange = request.begin().unwrap();
    exchange.write(&CONTENT.bytes(0..STORED)).unwrap();
    until("the first bytes of a PUT are stored", || {
        let list = at.get("/api/uploads?state=all").send().expect(200).json();
        let uploads = list["uploads"].as_array().unwrap();
        uploads.iter().any(|upload| number(upload, "received_bytes") == STORED).then_some(())
    });
    exchange
}

fn send_the_rest(mut exchange: Exchange) -> JoinHandle<Answer> {
    thread::spawn(move || {
        let sent = io::copy(&mut CONTENT.reader(STORED..CONTENT.length), &mut exchange.stream);
        // The answer may come before everything is read.
        exchange.answer().unwrap_or_else(|error| panic!("{error} after {sent:?}"))
    })
}

/// What clients of a cluster are in the middle of.
struct Clients {
    at: Url,
    put: Exchange,
    upload: Tus,
    appending: Exchange,
    downloaded: String,
    downloads: Vec<Box<dyn Read + Send>>,
}

impl Clients {
    fn begin(at: &Url) -> Self {
        let downloaded = text(&put(at, "long", LONG), "id").to_owned();
        let upload = Tus::create(at, CONTENT.length);
        let mut appending = upload.begin(at, 0, CONTENT.length);
        appending.write(&CONTENT.bytes(0..STORED)).unwrap();
        until("the first bytes are stored", || (upload.offset(at) == STORED).then_some(()));
        // Enough of them for each backend to serve several.
        let downloads = (0..8).map(|_| {
            let (head, body) = at.get(&content_path(&downloaded)).begin().unwrap().open().unwrap();
            assert_eq!(head.status().unwrap(), 200);
            Box::new(body) as Box<dyn Read + Send>
        });
        let downloads = downloads.collect();
        Self { at: at.clone(), put: put_in_the_middle(at), upload, appending, downloaded, downloads }
    }

    /// Goes on with everything, and expects everything to end well.
    fn go_on(self) -> JoinHandle<()> {
        thread::spawn(move || {
            let sums = self.downloads.into_iter().map(|mut body| {
                thread::spawn(move || {
                    let mut sum = Sum::default();
                    io::copy(&mut body, &mut sum).map(|length| (length, sum.hex()))
                })
            });
            let sums: Vec<_> = sums.collect();
            let (put, appended) = (send_the_rest(self.put), send_the_rest(self.appending));
            let record = put.join().unwrap().expect(201).json()["uploads"][0].take();
            assert_eq!(text(&record, "sha256"), CONTENT.sha256());
            appended.join().unwrap().expect(204);
            for sum in sums {
                assert_eq!(sum.join().unwrap().unwrap(), (LONG.length, LONG.sha256()));
            }
            for (id, content) in
                [(text(&record, "id"), CONTENT), (self.upload.id(), CONTENT), (&self.downloaded, LONG)]
            {
                assert_stored(&self.at, id, content);
            }
        })
    }
}

fn assert_all_alive(clusters: &[Cluster]) {
    for cluster in clusters {
        cluster.frontends.iter().chain(&cluster.backends).for_each(|process| process.assert_alive());
    }
}

fn wait_until_not_ready(clusters: &[Cluster]) {
    for cluster in clusters {
        cluster.backends.iter().chain(&cluster.frontends).for_each(|process| process.wait_until_not_ready());
    }
}

fn wait_until_ready(clusters: &[Cluster]) {
    for cluster in clusters {
        cluster.backends.iter().chain(&cluster.frontends).for_each(|process| process.wait_until_ready());
    }
}

/// No frontend has thought that a backend was gone.
fn assert_none_ejected(clusters: &[Cluster]) {
    for frontend in clusters.iter().flat_map(|cluster| &cluster.frontends) {
        assert_eq!(frontend.logged("Ejected"), [""; 0], "{}", frontend.name());
    }
}

/// `away` takes the database away, and back after 20 seconds. Everything that clients were in the middle of ends well.
fn nobody_notices(away: fn(&mut PostgresServer), back: fn(&mut PostgresServer)) {
    const OUTAGE: Duration = Duration::from_secs(20);
    let mut server = PostgresServer::start();
    let clusters = clusters(&server);
    let clients: Vec<_> = clusters.iter().map(|cluster| Clients::begin(cluster.at(0))).collect();
    away(&mut server);
    let began = Instant::now();
    let going_on: Vec<_> = clients.into_iter().map(Clients::go_on).collect();
    wait_until_not_ready(&clusters);
    while began.elapsed() < OUTAGE {
        assert_all_alive(&clusters);
        assert!(!going_on.iter().any(JoinHandle::is_finished), "nothing can have ended yet");
        thread::sleep(Duration::from_millis(200));
    }
    back(&mut server);
    going_on.into_iter().for_each(|clients| clients.join().unwrap());
    wait_until_ready(&clusters);
    assert_none_ejected(&clusters);
}

#[test]
fn a_database_killed_for_20_seconds_is_not_noticed_and_nobody_is_ejected() {
    nobody_notices(PostgresServer::kill, PostgresServer::start_again);
}

#[test]
fn a_database_that_hangs_for_20_seconds_is_not_noticed_and_nobody_is_ejected() {
    nobody_notices(|server| server.freeze(), |server| server.thaw());
}

#[track_caller]
fn assert_unavailable(answer: Answer) {
    let answer = answer.expect(503);
    assert!(answer.field("Retry-After").parse::<u32>().unwrap() > 0);
    assert_eq!(answer.field("Content-Type"), "application/problem+json");
    assert_eq!(text(&answer.json(), "code"), "unavailable");
}

#[test]
fn a_stream_goes_on_when_the_database_was_away() {
    let mut server = PostgresServer::start();
    let cluster = Cluster::start_over(server.url(), Store::Postgres, 2, 1);
    let listener = Listener::on(cluster.at(0));
    server.kill();
    listener.wait_for("nobody can be asked", |event| (event.name == "unavailable").then_some(()));
    let said = listener.count();
    server.start_again();
    listener.wait_from(said, "the replicas are there again", |event| {
        let replicas = event.data["replicas"].as_array().filter(|_| event.name == "replicas")?;
        (replicas.len() == 3).then_some(())
    });
    listener.hears_of(text(&put(cluster.at(0), "a", Content::new(3, 10)), "id"));
}

/// Each is asked for something, and waits as long as a frontend has patience.
#[test]
fn after_the_patience_comes_a_clear_503_and_tus_goes_on_from_the_committed_offset() {
    let mut server = PostgresServer::start();
    let cluster = Cluster::start_over(server.url(), Store::Postgres, 2, 1);
    let at = cluster.at(0).clone();
    let upload = Tus::create(&at, CONTENT.length);
    let mut appending = upload.begin(&at, 0, CONTENT.length);
    appending.write(&CONTENT.bytes(0..STORED)).unwrap();
    until("the first bytes are stored", || (upload.offset(&at) == STORED).then_some(()));
    let putting = put_in_the_middle(&at);
    // Its client sends one chunk more, and then nothing: it may be waiting to hear what became of it.
    let mut pausing =
        at.request("PUT", "/api/uploads/b").header("Content-Length", LONG.length).begin().unwrap();
    let waiting = Tus::create(&at, 100);

    server.kill();
    let began = Instant::now();
    pausing.write(&LONG.bytes(0..MIB)).unwrap();
    let (content_type, body) = form(&[("c", b"bytes")]);
    let request = at.request("POST", "/api/uploads").header("Content-Type", content_type);
    let answers = [
        send_the_rest(appending),
        send_the_rest(putting),
        thread::spawn(move || pausing.answer().unwrap()),
        thread::spawn(move || request.send_body(&body)),
        thread::spawn({
            let (at, waiting) = (at.clone(), waiting.clone());
            move || waiting.append(&at, CONTENT, 0..100).unwrap()
        }),
        thread::spawn({
            let (at, path) = (at.clone(), content_path(upload.id()));
            move || at.get(&path).send()
        }),
    ];
    for answer in answers {
        assert_unavailable(answer.join().unwrap());
    }
    let took = began.elapsed();
    assert!((Duration::from_secs(55)..Duration::from_secs(80)).contains(&took), "{took:?}");
    assert_all_alive(std::slice::from_ref(&cluster));
    let info = at.get("/frontend-info/").send().expect(200).json();
    assert_ne!(text(&info["backend"], "database"), "ok", "{info}");

    server.start_again();
    cluster.frontends[0].wait_until_ready();
    assert_eq!(upload.offset(&at), STORED);
    upload.finish(&at, CONTENT);
    assert_stored(&at, upload.id(), CONTENT);
    assert_eq!(waiting.offset(&at), 0);
    until("nothing is left of what is not resumed", || {
        let list = at.get("/api/uploads?state=all").send().expect(200).json();
        (list["uploads"].as_array().unwrap().len() == 2).then_some(())
    });
    assert_none_ejected(std::slice::from_ref(&cluster));
}

#[test]
fn backends_that_start_without_a_database_get_ready_when_it_comes() {
    let mut server = PostgresServer::start();
    let cluster = Cluster::start_over(server.url(), Store::Postgres, 0, 0);
    server.kill();
    let refused = cluster.start_backend(0);
    refused.assert_alive();
    assert_eq!(refused.url.get("/startupz").send().status, 503);
    until("it has asked in vain", || refused.logged("cannot be prepared").first().cloned());
    server.start_again();
    refused.wait_until_ready();

    server.freeze();
    let hung = cluster.start_backend(1);
    hung.assert_alive();
    until("it has given up once", || hung.logged("cannot be prepared").first().cloned());
    server.thaw();
    hung.wait_until_ready();
    put(&hung.url, "a", Content::new(3, 10));
}

/// While the schema is being made the server is killed; the replicas make it when it is back.
#[test]
fn a_database_killed_during_the_migration_is_migrated_when_it_is_back() {
    let mut server = PostgresServer::start();
    server.run(
        "CREATE TABLE first_run AS SELECT pg_postmaster_start_time() AS began;
         CREATE FUNCTION hold_up() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
             IF tg_tag = 'CREATE INDEX' AND pg_postmaster_start_time() = (SELECT began FROM first_run)
             THEN PERFORM pg_sleep(600); END IF;
         END $$;
         CREATE EVENT TRIGGER hold_up ON ddl_command_start EXECUTE FUNCTION hold_up();",
    );
    let cluster = Cluster::start_over(server.url(), Store::Postgres, 0, 0);
    let backends = [cluster.start_backend(0), cluster.start_backend(1)];
    let held_up = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    until("one of them is in the middle of it", || (server.count(held_up) == 1).then_some(()));
    server.kill();
    server.start_again();
    backends.iter().for_each(|backend| backend.wait_until_ready());
    put(&backends[0].url, "a", Content::new(3, 10));
}

/// The backend gives up on a deletion that the database then commits: whoever is asked again finds nothing.
#[test]
fn a_deletion_that_was_committed_after_all_has_succeeded() {
    let server = PostgresServer::start();
    let patient = format!("{}&options=-c%20statement_timeout%3D0", server.url());
    let cluster = Cluster::start_over(patient, Store::Postgres, 2, 1);
    let id = text(&put(cluster.at(0), "a", Content::new(3, 10)), "id").to_owned();
    server.run(
        "CREATE FUNCTION commit_slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(4); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER commit_slowly AFTER DELETE ON uploads DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION commit_slowly();",
    );
    tus(cluster.at(0), "DELETE", &format!("/files/{id}")).send().expect(204);
    cluster.at(0).get(&format!("/api/uploads/{id}")).send().expect(410);
}

/// It has no time left to take itself off the list of replicas.
#[test]
fn a_backend_ends_within_its_grace_while_the_database_hangs() {
    let server = PostgresServer::start();
    let options = &["--shutdown-grace", "2s"];
    let mut cluster = Cluster::start_over_with(server.url(), Store::Postgres, 1, 0, options);
    let backend = &mut cluster.backends[0];
    let request = backend.url.request("PUT", "/api/uploads/a").header("Content-Length", CONTENT.length);
    let _unending = request.begin().unwrap();
    until("the request has begun", || {
        let metrics = backend.url.get("/metrics").send().expect(200);
        metrics.text().contains("requests_in_flight{role=\"backend\"} 1").then_some(())
    });
    server.freeze();
    let told = Instant::now();
    backend.terminate();
    assert_eq!(backend.wait_for_exit().code(), Some(0));
    let took = told.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&took), "{took:?}");
}

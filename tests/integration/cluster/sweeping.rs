//! One replica sweeps; whatever becomes of it, what has expired is removed.

use super::STORES;
use crate::support::api::{Tus, put, text, tus};
use crate::support::cluster::Store;
use crate::support::content::Content;
use crate::support::postgres::Database;
use crate::support::process::Process;
use crate::support::wait::until;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const ELECTED: &str = "this replica sweeps";

/// Backends whose uploads expire after three seconds.
struct Impatient {
    backends: Vec<Process>,
    folder: TempDir,
    _database: Database,
}

impl Impatient {
    fn start(store: Store, count: usize) -> Self {
        let (database, folder) = (Database::create(), tempfile::tempdir().unwrap());
        let blobs = match store {
            Store::Postgres => "postgres:".to_owned(),
            Store::Local => format!("file://{}", folder.path().display()),
        };
        let start = |number| {
            let arguments = ["--role", "backend", "--upload-ttl", "3s", "--database-url", &database.url];
            let arguments = arguments.into_iter().chain(["--blob-store", &blobs]);
            Process::start(&format!("backend {number}"), arguments)
        };
        let backends: Vec<Process> = (0..count).map(start).collect();
        backends.iter().for_each(Process::wait_until_ready);
        Self { backends, folder, _database: database }
    }

    /// Waits until just one of these has been elected, and says which.
    fn elected(&self, of: &[usize]) -> usize {
        let has = |number: &&usize| self.backends[**number].has_logged(ELECTED);
        let elected = until("one is elected", || of.iter().find(has).copied());
        assert_eq!(of.iter().filter(has).count(), 1);
        elected
    }

    /// An upload that is left alone is gone after a while, and a complete one stays.
    fn sweeps(&self, asking: usize) {
        let at = &self.backends[asking].url;
        let content = Content::new(1, 100_000);
        let kept = put(at, "kept", content);
        let left = Tus::create(at, content.length);
        left.append(at, content, 0..5000).unwrap();
        until("the upload has expired", || {
            let status = tus(at, "HEAD", &left.path).send().status;
            assert!([200, 410].contains(&status), "{status}");
            (status == 410).then_some(())
        });
        assert_eq!(left.append(at, content, 5000..content.length).unwrap().status, 410);
        let path = format!("/api/uploads/{}", text(&kept, "id"));
        at.get(&path).send().expect(200);
        at.request("DELETE", &path).send().expect(204);
        until("its bytes are deleted", || (files(self.folder.path()) == 0).then_some(()));
    }
}

fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|entry| entry.is_dir()).map(|folder| fs::read_dir(folder).unwrap().count()).sum()
}

#[test]
fn one_replica_sweeps_and_its_death_elects_another() {
    for store in STORES {
        let mut cluster = Impatient::start(store, 3);
        let mut alive = vec![0, 1, 2];
        while alive.len() > 1 {
            let elected = cluster.elected(&alive);
            cluster.sweeps(alive[0]);
            cluster.backends[elected].kill();
            alive.retain(|number| *number != elected);
        }
        cluster.elected(&alive);
        cluster.sweeps(alive[0]);
    }
}

/// Its kernel keeps its connections up, so nobody sees that it stands still but by its silence. When it wakes up in the
/// midst of whatever it was doing, there are two that sweep for a moment, which harms nothing.
#[test]
fn a_stopped_replica_does_not_keep_others_from_sweeping() {
    let cluster = Impatient::start(Store::Local, 2);
    let stopped = cluster.elected(&[0, 1]);
    let other = 1 - stopped;
    cluster.backends[stopped].stop();
    cluster.sweeps(other);
    cluster.elected(&[other]);
    cluster.backends[stopped].resume();
    until("the stopped one has seen that it sweeps no more", || {
        cluster.backends[stopped].has_logged("another replica may sweep now").then_some(())
    });
    cluster.sweeps(stopped);
}

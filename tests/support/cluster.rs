use super::chaos::ChaosProxy;
use super::client::Url;
use super::postgres::Database;
use super::process::Process;
use super::wait::until;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::thread::JoinHandle;
use tempfile::TempDir;

/// Where the backends of a cluster keep bytes.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    Postgres,
    /// One folder that all backends share.
    Local,
}

/// Several backends over one PostgreSQL, each behind a proxy that can fail, and several frontends over all of them.
pub struct Cluster {
    pub frontends: Vec<Process>,
    pub backends: Vec<Process>,
    /// In the order of the backends.
    pub proxies: Vec<ChaosProxy>,
    database_url: String,
    database: Option<Database>,
    folder: TempDir,
    store: Store,
    /// For each replica.
    options: &'static [&'static str],
}

impl Cluster {
    /// Started, and ready, over a database of its own.
    pub fn start(store: Store, backends: usize, frontends: usize) -> Self {
        Self::start_with(store, backends, frontends, &[])
    }

    /// As [`Cluster::start`], each replica with these options.
    pub fn start_with(
        store: Store,
        backends: usize,
        frontends: usize,
        options: &'static [&'static str],
    ) -> Self {
        let database = Database::create();
        let mut cluster = Self::start_over_with(database.url.clone(), store, backends, frontends, options);
        cluster.database = Some(database);
        cluster
    }

    /// Started, and ready, over an empty database that the test brings.
    pub fn start_over(database_url: String, store: Store, backends: usize, frontends: usize) -> Self {
        Self::start_over_with(database_url, store, backends, frontends, &[])
    }

    /// As [`Cluster::start_over`], each replica with these options.
    pub fn start_over_with(
        database_url: String,
        store: Store,
        backends: usize,
        frontends: usize,
        options: &'static [&'static str],
    ) -> Self {
        let mut cluster = Self {
            frontends: Vec::new(),
            backends: Vec::new(),
            proxies: Vec::new(),
            database_url,
            database: None,
            folder: tempfile::tempdir().unwrap(),
            store,
            options,
        };
        for number in 0..backends {
            let backend = cluster.start_backend(number);
            cluster.proxies.push(ChaosProxy::before(backend.url.clone()));
            cluster.backends.push(backend);
        }
        // A frontend that starts now finds all of them ready with its first look.
        cluster.backends.iter().for_each(Process::wait_until_ready);
        for number in 0..frontends {
            let frontend = cluster.start_frontend(number);
            cluster.frontends.push(frontend);
        }
        cluster.frontends.iter().for_each(Process::wait_until_ready);
        cluster
    }

    pub fn start_backend(&self, number: usize) -> Process {
        self.launch_backend(number).greeted()
    }

    /// Does not wait for its greeting.
    pub fn launch_backend(&self, number: usize) -> Process {
        let mut arguments = vec!["--role", "backend", "--database-url", &self.database_url];
        let folder = format!("file://{}", self.folder.path().display());
        match self.store {
            Store::Postgres => {}
            Store::Local => arguments.extend(["--blob-store", &folder]),
        }
        arguments.extend(self.options);
        Process::launch(&format!("backend {number}"), arguments)
    }

    pub fn start_frontend(&self, number: usize) -> Process {
        let mut arguments = vec!["--role", "frontend"];
        arguments.extend(self.proxies.iter().flat_map(|proxy| ["--backend", &proxy.url.0]));
        arguments.extend(self.options);
        Process::start(&format!("frontend {number}"), arguments)
    }

    /// The database, if it is the cluster's own.
    pub fn database(&self) -> &Database {
        self.database.as_ref().expect("the test has brought the database")
    }

    /// How many bytes are stored, counted from outside.
    pub fn stored_bytes(&self) -> u64 {
        match self.store {
            Store::Postgres => {
                let sum = "SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM blob_rows";
                self.database().number(sum).cast_unsigned()
            }
            Store::Local => {
                let entries =
                    |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
                let folders = entries(self.folder.path()).filter(|entry| entry.is_dir());
                // One that is deleted meanwhile is not there.
                let sizes = folders.flat_map(|folder| {
                    entries(&folder).filter_map(|file| Some(file.metadata().ok()?.len())).collect::<Vec<_>>()
                });
                sizes.sum()
            }
        }
    }

    /// The address of a frontend.
    pub fn at(&self, frontend: usize) -> &Url {
        &self.frontends[frontend].url
    }

    /// The container id of a backend.
    pub fn id_of(&self, backend: usize) -> String {
        let answer = self.backends[backend].url.get("/api/backend-info/").send().expect(200);
        answer.json()["backend_container_id"].as_str().unwrap().to_owned()
    }

    /// What a backend says of itself in the list of replicas, asked at that backend.
    pub fn report_of(&self, backend: usize) -> Option<Value> {
        let id = self.id_of(backend);
        let list = self.backends[backend].url.get("/api/replicas").send().expect(200).json();
        list["replicas"].as_array().unwrap().iter().find(|replica| replica["container_id"] == id).cloned()
    }

    /// Waits until some backend has hit its fault, and says which. `upload` must not end before that.
    pub fn faulted<T>(&self, upload: &JoinHandle<T>) -> usize {
        until("a fault takes effect", || {
            let hit = self.proxies.iter().position(|proxy| proxy.counts().faults > 0);
            assert!(hit.is_some() || !upload.is_finished(), "the upload has ended without a fault");
            hit
        })
    }

    pub fn each_proxy(&self, act: impl FnMut(&ChaosProxy)) {
        self.proxies.iter().for_each(act);
    }
}

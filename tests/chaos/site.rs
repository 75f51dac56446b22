//! The service under test: its processes, each of which may end and come back at the same address.

use crate::metrics::Replays;
use crate::support::chaos::ChaosProxy;
use crate::support::client::Url;
use crate::support::cluster::Store;
use crate::support::postgres_server::PostgresServer;
use crate::support::process::Process;
use crate::troubles::Troubles;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

pub const BACKENDS: usize = 3;
pub const FRONTENDS: usize = 2;
/// An upload that nobody goes on with is removed after this; longer than any fault or pause keeps a client from going on.
pub const UPLOAD_TTL: Duration = Duration::from_secs(40);

pub struct Site {
    pub store: Store,
    pub backends: Vec<Member>,
    pub frontends: Vec<Member>,
    pub postgres: Mutex<PostgresServer>,
    /// Where bytes are, if not in rows.
    pub folder: TempDir,
    pub troubles: Troubles,
    pub replays: Replays,
}

/// One replica through all of its lives, behind a proxy whose address stays.
pub struct Member {
    pub name: String,
    pub proxy: ChaosProxy,
    arguments: Vec<String>,
    logs: PathBuf,
    lives: AtomicU32,
    process: Mutex<Process>,
    /// Whether clients are sent here, as somebody who balances over frontends would decide it.
    open: AtomicBool,
}

impl Site {
    /// Started, and ready. `logs` gets a file for each life of each replica.
    pub fn start(store: Store, logs: &Path) -> Self {
        let postgres = PostgresServer::start();
        let folder = tempfile::tempdir().unwrap();
        let blobs = match store {
            Store::Postgres => "postgres:".to_owned(),
            Store::Local => format!("file://{}", folder.path().display()),
        };
        let ttl = format!("{}s", UPLOAD_TTL.as_secs());
        let url = postgres.url();
        let of_backend =
            ["--role", "backend", "--database-url", &url, "--blob-store", &blobs, "--upload-ttl", &ttl];
        let backends: Vec<_> = (0..BACKENDS)
            .map(|number| Member::start(format!("backend-{number}"), &of_backend, logs))
            .collect();
        backends.iter().for_each(Member::wait_until_ready);
        let mut of_frontend = vec!["--role", "frontend"];
        of_frontend.extend(backends.iter().flat_map(|backend| ["--backend", backend.proxy.url.0.as_str()]));
        let frontends: Vec<_> = (0..FRONTENDS)
            .map(|number| Member::start(format!("frontend-{number}"), &of_frontend, logs))
            .collect();
        frontends.iter().for_each(Member::wait_until_ready);
        let (troubles, replays) = (Troubles::default(), Replays::default());
        Self { store, backends, frontends, postgres: Mutex::new(postgres), folder, troubles, replays }
    }

    pub fn postgres(&self) -> MutexGuard<'_, PostgresServer> {
        self.postgres.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.backends.iter().chain(&self.frontends)
    }

    /// A frontend that clients are sent to, if there is one.
    pub fn pick_frontend(&self, rng: &mut fastrand::Rng) -> Option<usize> {
        let open: Vec<_> = (0..FRONTENDS).filter(|number| self.frontends[*number].is_open()).collect();
        rng.choice(open)
    }
}

impl Member {
    fn start(name: String, arguments: &[&str], logs: &Path) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let process = launch(&name, &arguments, logs, 0);
        Self {
            proxy: ChaosProxy::before(process.url.clone()),
            name,
            arguments,
            logs: logs.into(),
            lives: AtomicU32::new(1),
            process: Mutex::new(process),
            open: AtomicBool::new(true),
        }
    }

    /// Without the proxy.
    pub fn url(&self) -> Url {
        self.process().url.clone()
    }

    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub fn close(&self) {
        self.open.store(false, Ordering::Release);
    }

    pub fn kill(&self) {
        self.process().kill();
        self.proxy.refuse();
    }

    pub fn stop(&self) {
        self.process().stop();
    }

    pub fn resume(&self) {
        self.process().resume();
    }

    pub fn terminate(&self) {
        self.process().terminate();
    }

    /// How it has ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process().ended()
    }

    /// At the same address as before. The process ends with the thread that calls this.
    pub fn start_again(&self) {
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        let process = launch(&self.name, &self.arguments, &self.logs, life);
        self.proxy.point_at(process.url.clone());
        *self.process() = process;
        self.proxy.accept_again();
    }

    pub fn wait_until_ready(&self) {
        crate::support::wait::until(format!("{} is ready", self.name), || {
            let answer = self.url().get("/readyz").try_send().ok();
            answer.filter(|answer| answer.status == 200)
        });
        self.open.store(true, Ordering::Release);
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn launch(name: &str, arguments: &[String], logs: &Path, life: u32) -> Process {
    let process = Process::launch(name, arguments);
    process.copy_output_to(File::create(logs.join(format!("{name}.{life}.log"))).unwrap());
    process.greeted()
}

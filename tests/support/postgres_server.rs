//! A PostgreSQL of its own for one test, which may be stopped, killed, frozen and started again at the same address.

mod standby;

use super::wait::until;
use rustix::process::{Pid, Signal, kill_process};
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Durable, unlike the server that other tests share. It ends with this value, and with the thread that made it.
pub struct PostgresServer {
    folder: PathBuf,
    port: u16,
    postmaster: Option<Child>,
    environment: Vec<(String, PathBuf)>,
    _made: Option<TempDir>,
}

impl PostgresServer {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more in its environment.
    pub fn start_with(environment: &[(&str, PathBuf)]) -> Self {
        let made = tempfile::tempdir().unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut server = Self::make(made.path(), environment.collect());
        server._made = Some(made);
        server
    }

    /// With its data in an empty `folder`: on a disk that a test has chosen, perhaps.
    pub fn start_in(folder: &Path) -> Self {
        Self::make(folder, Vec::new())
    }

    fn make(folder: &Path, environment: Vec<(String, PathBuf)>) -> Self {
        let arguments = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"];
        make_data(folder, "initdb", &arguments);
        Self::start_over(folder, environment)
    }

    /// With the data that was made in `folder`.
    fn start_over(folder: &Path, environment: Vec<(String, PathBuf)>) -> Self {
        let mut server = Self { folder: folder.into(), port: 0, postmaster: None, environment, _made: None };
        // PostgreSQL cannot be asked to choose a port itself: some below the range that the system hands out are tried.
        for _ in 0..20 {
            server.port = fastrand::u16(10_000..20_000);
            if server.try_start() {
                return server;
            }
        }
        panic!("PostgreSQL does not start:\n{}", server.log());
    }

    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Of another database of this server.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}?sslmode=disable", self.address())
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// At the same address, with what was committed before.
    pub fn start_again(&mut self) {
        assert!(self.try_start(), "PostgreSQL does not start again:\n{}", self.log());
    }

    /// Whether it gave up by itself.
    pub fn has_ended(&mut self) -> bool {
        self.postmaster.as_mut().is_none_or(|postmaster| postmaster.try_wait().unwrap().is_some())
    }

    /// In good order, as an administrator stops it: sessions are told, and cut off.
    pub fn stop(&mut self) {
        let Some(mut postmaster) = self.postmaster.take() else { return };
        send(Signal::INT, pid(&postmaster));
        drop(postmaster.wait());
    }

    /// As the end of its machine: nobody is told anything.
    pub fn kill(&mut self) {
        let Some(mut postmaster) = self.postmaster.take() else { return };
        let sessions = self.sessions(&postmaster);
        send(Signal::KILL, pid(&postmaster));
        sessions.iter().for_each(|session| send(Signal::KILL, *session));
        drop(postmaster.wait());
        // The next one does not start while memory is shared with one of these.
        let gone = |pid: &Pid| !Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists();
        until("all sessions have ended", || sessions.iter().all(gone).then_some(()));
    }

    /// It accepts connections, since the kernel does, and answers nothing.
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Runs a query that returns one number.
    pub fn count(&self, query: &str) -> i64 {
        self.with_client(async |client| client.query_one(query, &[]).await).unwrap().get(0)
    }

    /// Runs a query that returns one text in each row.
    #[allow(dead_code, reason = "some tests only count")]
    pub fn texts(&self, query: &str) -> Vec<String> {
        let rows = self.with_client(async |client| client.query(query, &[]).await).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Runs statements of which no answer is wanted.
    pub fn run(&self, statements: &str) {
        self.try_run(statements).unwrap();
    }

    pub fn try_run(&self, statements: &str) -> Result<(), tokio_postgres::Error> {
        self.with_client(async |client| client.batch_execute(statements).await)
    }

    fn with_client<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
            let connection = tokio::spawn(connection);
            let outcome = work(&client).await;
            drop(client);
            drop(connection.await);
            outcome
        })
    }

    fn try_start(&mut self) -> bool {
        let log = File::create(self.folder.join("server.log")).unwrap();
        let mut postmaster = as_unprivileged("postgres", &self.folder)
            .args(["-D", "data", "-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            .args(["-c", "max_connections=200"])
            .envs(self.environment.iter().cloned())
            // What no commit has waited for is not saved by chance, so a kill takes it.
            .args(["-c", "wal_writer_delay=10s", "-c", "wal_writer_flush_after=1GB"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let state = self.folder.join("data/postmaster.pid");
        let ready = until("PostgreSQL has started or failed to", || {
            let ended = postmaster.try_wait().unwrap().is_some();
            let ready = fs::read_to_string(&state).is_ok_and(|text| {
                let own = text.starts_with(&format!("{}\n", postmaster.id()));
                own && text.lines().last().is_some_and(|line| line.trim() == "ready")
            });
            (ended || ready).then_some(ready && !ended)
        });
        self.postmaster = ready.then_some(postmaster);
        ready
    }

    fn signal_all(&self, signal: Signal) {
        let postmaster = self.postmaster.as_ref().expect("it runs");
        // The postmaster first, so that it starts no session that is missed.
        send(signal, pid(postmaster));
        self.sessions(postmaster).into_iter().for_each(|session| send(signal, session));
    }

    /// Its child processes.
    fn sessions(&self, postmaster: &Child) -> Vec<Pid> {
        let id = postmaster.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.postmaster.is_some() {
            self.thaw();
        }
        self.kill();
    }
}

/// Gives a folder to the user that servers run as.
pub fn adopt(folder: &Path) {
    if let Some((user, group)) = unprivileged() {
        chown(folder, Some(user), Some(group)).unwrap();
    }
}

fn pid(child: &Child) -> Pid {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap()
}

/// To a process that may have ended by now.
fn send(signal: Signal, pid: Pid) {
    let _ended = kill_process(pid, signal);
}

/// PostgreSQL refuses to run as root: then it runs as `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    const NOBODY: (u32, u32) = (65534, 65534);
    rustix::process::getuid().is_root().then_some(NOBODY)
}

fn as_unprivileged(program: &str, folder: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT", "--"]).arg(programs().join(program)).current_dir(folder);
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group);
    }
    command
}

/// Has a program of PostgreSQL make the data in `folder`.
fn make_data(folder: &Path, program: &str, arguments: &[&str]) {
    adopt(folder);
    let made = as_unprivileged(program, folder).args(arguments).args(["--pgdata", "data"]).output().unwrap();
    assert!(made.status.success(), "{program}: {}", String::from_utf8_lossy(&made.stderr));
}

/// In the folder that `PG_BIN` names, in Debian's of the newest version, or in one of `PATH`.
fn programs() -> PathBuf {
    let has_them = |bin: &PathBuf| bin.join("initdb").exists();
    let named = env::var_os("PG_BIN").filter(|named| !named.is_empty()).map(PathBuf::from);
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).filter(has_them).max();
    let on_path = || env::split_paths(&env::var_os("PATH")?).find(has_them);
    named
        .or(newest)
        .or_else(on_path)
        .expect("these tests need PostgreSQL (PG_BIN may name the folder of its programs)")
}

//! A second server that follows the first, and takes over.

use super::{PostgresServer, make_data};

impl PostgresServer {
    /// Starts a server that has everything this one has, before whoever commits is told so.
    pub fn start_standby(&self) -> Self {
        let made = tempfile::tempdir().unwrap();
        let from = [
            "--host=127.0.0.1",
            "--username=postgres",
            "--checkpoint=fast",
            "--no-sync",
            "--write-recovery-conf",
        ];
        let port = format!("--port={}", self.port);
        make_data(made.path(), "pg_basebackup", &[&from[..], &[&port]].concat());
        let mut standby = Self::start_over(made.path(), Vec::new());
        standby._made = Some(made);
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.run("SELECT pg_reload_conf()");
        super::until("the standby follows", || {
            let following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            (self.count(following) == 1).then_some(())
        });
        standby
    }

    /// A standby becomes the server that takes writes, and waits for no other.
    pub fn promote(&self) {
        self.run("SELECT pg_promote()");
        self.run("ALTER SYSTEM RESET synchronous_standby_names");
        self.run("SELECT pg_reload_conf()");
    }
}

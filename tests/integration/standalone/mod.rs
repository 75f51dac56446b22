//! One process: a frontend and three backends over SQLite and a folder.

mod balance;
mod clients;
mod cross_origin;
mod download;
mod events;
mod memory;
mod page;
mod records;
mod restart;
mod ways_in;

use crate::support::client::Url;
use crate::support::process::Process;
use tempfile::TempDir;

/// A standalone service with data of its own.
struct Service {
    process: Process,
    folder: TempDir,
}

impl Service {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Self::run(&folder, options);
        Self { process, folder }
    }

    fn run(folder: &TempDir, options: &[&str]) -> Process {
        let data = folder.path().join("data");
        let arguments = ["--data-dir", data.to_str().unwrap()];
        let process = Process::start("standalone", arguments.iter().chain(options));
        process.wait_until_ready();
        process
    }

    fn url(&self) -> &Url {
        &self.process.url
    }
}

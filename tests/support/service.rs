use super::client::Url;
use super::process::Process;
use tempfile::TempDir;

/// What clients talk to, with data of its own, on SQLite and a folder.
pub struct Service {
    pub process: Process,
    pub folder: TempDir,
}

impl Service {
    /// A frontend over three backends.
    pub fn standalone(options: &[&str]) -> Self {
        Self::start("standalone", options, |data| vec!["--data-dir".into(), data.into()])
    }

    /// A backend that clients reach directly.
    pub fn backend(options: &[&str]) -> Self {
        Self::start("backend", options, |data| {
            let database = format!("sqlite://{data}.db");
            let store = format!("file://{data}");
            ["--role", "backend", "--database-url", &database, "--blob-store", &store].map(Into::into).into()
        })
    }

    /// One of each, for what must be so whichever role answers.
    pub fn each(options: &[&str]) -> [Self; 2] {
        [Self::standalone(options), Self::backend(options)]
    }

    fn start(name: &str, options: &[&str], place: impl FnOnce(&str) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = place(folder.path().join("data").to_str().unwrap());
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        let process = Process::start(name, arguments);
        process.wait_until_ready();
        Self { process, folder }
    }

    pub fn url(&self) -> &Url {
        &self.process.url
    }
}

use super::external::run;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A tus client that others wrote, as it comes from its registry, driven by small scripts in tests/clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TusClient {
    TusJsClient,
    Uppy,
    Tuspy,
}

impl TusClient {
    pub const ALL: [Self; 3] = [Self::TusJsClient, Self::Uppy, Self::Tuspy];
    /// Those that can do more than upload a file whose length is known.
    pub const JAVASCRIPT: [Self; 2] = [Self::TusJsClient, Self::Uppy];

    /// Uploads files, one after the other, and returns the URL of each. The options are those of the scripts.
    pub fn upload<'a>(
        self,
        endpoint: &str,
        files: impl IntoIterator<Item = &'a Path>,
        options: &[&str],
    ) -> Vec<String> {
        let urls = run(self.script("upload").arg(endpoint).args(files).args(options));
        urls.lines().map(str::to_owned).collect()
    }

    /// Begins to upload a file, and terminates it after a chunk. Returns the URL that it had.
    pub fn terminate(self, endpoint: &str, file: &Path, chunk_bytes: u64) -> String {
        run(self
            .script("terminate")
            .arg(endpoint)
            .arg(file)
            .args(["--chunk-bytes", &chunk_bytes.to_string()]))
    }

    /// Begins to upload a file, in a process that is the caller's to kill.
    pub fn start(self, endpoint: &str, file: &Path, options: &[&str]) -> Child {
        let mut script = self.script("upload");
        script.arg(endpoint).arg(file).args(options).stdout(Stdio::null()).spawn().unwrap()
    }

    fn script(self, name: &str) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        // The kernel ends it together with the test.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).stdin(Stdio::null());
        match self {
            Self::Tuspy => {
                command.arg(installed("venv/bin/python")).arg(scripts.join(format!("tuspy/{name}.py")))
            }
            Self::TusJsClient | Self::Uppy => {
                let folder = if self == Self::Uppy { "uppy" } else { "tus-js-client" };
                let script = scripts.join(format!("{folder}/{name}.cjs"));
                command.env("NODE_PATH", installed("node_modules")).arg("node").arg(script)
            }
        };
        command
    }
}

/// Where scripts/test.sh has installed a client.
fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-clients").join(path);
    assert!(path.exists(), "{} is missing: scripts/test.sh installs it", path.display());
    path
}

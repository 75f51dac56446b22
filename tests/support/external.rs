//! Clients that others wrote: curl, tus-js-client and tuspy.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs curl and returns what it prints.
pub fn curl<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    run(Command::new("curl").args(["--silent", "--show-error"]).args(arguments))
}

/// Runs curl over what it is given on its standard input, and returns what it prints.
pub fn curl_from<'a>(input: impl Into<Stdio>, arguments: impl IntoIterator<Item = &'a str>) -> String {
    run(Command::new("curl").args(["--silent", "--show-error"]).args(arguments).stdin(input))
}

/// Uploads a file with tus-js-client and returns the upload's URL.
pub fn tus_js_client(endpoint: &str, file: &Path, chunk_bytes: u64) -> String {
    let modules = installed("node_modules");
    let script = script("upload.cjs");
    run(Command::new("node")
        .arg(script)
        .arg(endpoint)
        .arg(file)
        .arg(chunk_bytes.to_string())
        .env("NODE_PATH", modules))
}

/// Uploads a file with tuspy and returns the upload's URL.
pub fn tuspy(endpoint: &str, file: &Path, chunk_bytes: u64) -> String {
    let python = installed("venv/bin/python");
    run(Command::new(python).arg(script("upload.py")).arg(endpoint).arg(file).arg(chunk_bytes.to_string()))
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Where scripts/test.sh has installed a client.
fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-clients").join(path);
    assert!(path.exists(), "{} is missing: scripts/test.sh installs it", path.display());
    path
}

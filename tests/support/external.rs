//! Programs that others wrote, curl among them.

use super::wait::within;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a program may take for all that it does. A client of tests with cuts waits and tries again many times.
const DEADLINE: Duration = Duration::from_secs(300);

/// Runs curl and returns what it prints.
pub fn curl<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    curl_from(Stdio::null(), arguments)
}

/// As [`curl`], with what it sends on its standard input.
pub fn curl_from<'a>(input: impl Into<Stdio>, arguments: impl IntoIterator<Item = &'a str>) -> String {
    run(Command::new("curl").args(["--silent", "--show-error"]).args(arguments).stdin(input))
}

/// Runs a program to its end, which must be a good one and come in time, and returns what it prints.
pub fn run(command: &mut Command) -> String {
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (output, errors) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let ended = within(DEADLINE, || child.try_wait().unwrap());
    if ended.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (output, errors) = (output.join().unwrap(), errors.join().unwrap());
    let errors = String::from_utf8_lossy(&errors);
    let status = ended.unwrap_or_else(|| panic!("{command:?}: not at its end after {DEADLINE:?}\n{errors}"));
    assert!(status.success(), "{command:?}: {status}\n{errors}");
    String::from_utf8(output).unwrap().trim().to_owned()
}

/// Takes what comes while the program runs: one whose output nobody takes stands still.
fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        io::copy(&mut stream.unwrap(), &mut bytes).unwrap();
        bytes
    })
}

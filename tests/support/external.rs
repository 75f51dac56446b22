//! Programs that others wrote, curl among them.

use std::process::{Command, Stdio};

/// Runs curl and returns what it prints.
pub fn curl<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    run(Command::new("curl").args(["--silent", "--show-error"]).args(arguments))
}

/// As [`curl`], with what it sends on its standard input.
pub fn curl_from<'a>(input: impl Into<Stdio>, arguments: impl IntoIterator<Item = &'a str>) -> String {
    run(Command::new("curl").args(["--silent", "--show-error"]).args(arguments).stdin(input))
}

/// Runs a program to its end, which must be a good one, and returns what it prints.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

//! What a person sees at the terminal.

use crate::support::process::{Process, program};
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

#[test]
fn help_shows_every_option_with_its_environment_variable_and_exits_0() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for (option, variable) in [
        ("--role", "ROLE"),
        ("--listen", "LISTEN"),
        ("--backend", "BACKEND"),
        ("--database-url", "DATABASE_URL"),
        ("--database-password", "DATABASE_PASSWORD"),
        ("--blob-store", "BLOB_STORE"),
        ("--data-dir", "DATA_DIR"),
        ("--backends", "BACKENDS"),
        ("--max-upload-size", "MAX_UPLOAD_SIZE"),
        ("--cors-origin", "CORS_ORIGIN"),
        ("--upload-ttl", "UPLOAD_TTL"),
        ("--shutdown-grace", "SHUTDOWN_GRACE"),
        ("--ui-dir", "UI_DIR"),
    ] {
        assert!(help.contains(option), "{option} in\n{help}");
        assert!(help.contains(&format!("env: {variable}")), "{variable} in\n{help}");
    }
}

#[test]
fn a_bad_value_is_one_line_that_names_option_and_value_and_exits_2() {
    for (arguments, option, value) in [
        (["--role", "butler"], "--role", "butler"),
        (["--listen", "nowhere"], "--listen", "nowhere"),
        (["--backends", "none"], "--backends", "none"),
        (["--backends", "0"], "--backends", "0"),
        (["--max-upload-size", "much"], "--max-upload-size", "much"),
        (["--cors-origin", "example.org"], "--cors-origin", "example.org"),
        (["--upload-ttl", "soon"], "--upload-ttl", "soon"),
        (["--shutdown-grace", "-1"], "--shutdown-grace", "-1"),
    ] {
        let output = run(&[format!("{}={}", arguments[0], arguments[1]).as_str()]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{arguments:?}: {error}");
        assert!(error.contains(option) && error.contains(value), "{arguments:?}: {error}");
    }
}

#[test]
fn a_backend_without_a_database_says_what_is_missing_and_exits_2() {
    let output = run(&["--role", "backend"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("--database-url"), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
}

/// What the driver alone can tell is told as clearly, and without what may be a password.
#[test]
fn a_bad_database_url_says_what_is_wrong_without_the_url_and_exits_2() {
    for (url, wrong) in [
        ("postgres://me:secret@localhost/db?sslmode=verify-full", "sslmode"),
        ("postgres://me:secret@localhost:many/db", "port"),
        ("mysql://me:secret@localhost/db", "postgres://"),
    ] {
        let output = run(&["--role", "backend", "--database-url", url]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("--database-url") && error.contains(wrong), "{error}");
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
}

#[test]
fn no_thread_of_a_running_replica_may_gain_privileges() {
    let data = tempfile::tempdir().unwrap();
    let standalone = Process::start("standalone", ["--data-dir", data.path().to_str().unwrap()]);
    let threads: Vec<_> = std::fs::read_dir(format!("/proc/{}/task", standalone.id())).unwrap().collect();
    assert!(threads.len() > 1);
    for thread in threads {
        // A thread may have ended meanwhile.
        let Ok(status) = std::fs::read_to_string(thread.unwrap().path().join("status")) else { continue };
        assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
    }
}

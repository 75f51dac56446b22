//! More connections than the process has file descriptors: whoever is served is served well, the others wait.

use crate::support::api::{Tus, assert_stored, put, text};
use crate::support::client::Url;
use crate::support::content::Content;
use crate::support::postgres::Database;
use crate::support::process::{Process, program_under};
use crate::support::wait::until;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

const LIMIT: usize = 256;

fn start(name: &str, arguments: &[&str]) -> Process {
    let launcher = ["prlimit", &format!("--nofile={LIMIT}:{LIMIT}")];
    Process::launch_as(name, program_under(&launcher), arguments).greeted()
}

/// Connections that begin a request and do not go on with it, more than there are descriptors.
fn flood(process: &Process) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = TcpStream::connect(process.url.authority()).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
        stream
    };
    let connections = (0..2 * LIMIT).map(connect).collect();
    let mut before = (0, 0);
    until("the process takes no more", || {
        let now = (descriptors(process), waiting(&process.url));
        let settled = now.1 > 0 && now == std::mem::replace(&mut before, now);
        settled.then_some(())
    });
    connections
}

fn descriptors(process: &Process) -> usize {
    fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap().count()
}

/// Connections that the kernel has made and the process has not accepted: of a socket that listens they are its receive queue.
fn waiting(at: &Url) -> u64 {
    let port = format!(":{:04X}", at.authority().rsplit_once(':').unwrap().1.parse::<u16>().unwrap());
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listening =
        fields.into_iter().find(|fields| fields[1].ends_with(&port) && fields[3] == "0A").unwrap();
    u64::from_str_radix(listening[4].split_once(':').unwrap().1, 16).unwrap()
}

/// Processor time it has used, in hundredths of a second.
fn ticks(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// `at` is where uploads go in, `flooded` the process that runs out.
fn survives(at: &Url, flooded: &Process) {
    let content = Content::new(1, 12_000_000);
    let upload = Tus::create(at, content.length);
    let mut sending = upload.begin(at, 0, content.length);
    sending.write(&content.bytes(0..1_000_000)).unwrap();
    until("the upload is under way", || (upload.offset(at) > 0).then_some(()));

    let connections = flood(flooded);
    let (begin, watched) = (ticks(flooded), Duration::from_secs(3));
    thread::sleep(watched);
    let used = ticks(flooded) - begin;
    println!("{}: {} descriptors, {used} ticks in {watched:?}", flooded.name(), descriptors(flooded));
    assert!(used < 100, "{used} ticks in {watched:?} for doing nothing");
    assert!(descriptors(flooded) < LIMIT, "none is left for files");
    // Who was there before is served as ever.
    sending.write(&content.bytes(1_000_000..content.length)).unwrap();
    sending.answer().unwrap().expect(204);

    drop(connections);
    flooded.wait_until_ready();
    assert_stored(at, upload.id(), content);
    let content = Content::new(2, 3_000_000);
    assert_stored(at, text(&put(at, "after", content), "id"), content);
}

#[test]
fn a_standalone_service_keeps_descriptors_for_those_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let process = start("standalone", &["--data-dir", folder.path().to_str().unwrap()]);
    process.wait_until_ready();
    survives(&process.url, &process);
}

#[test]
fn a_backend_and_a_frontend_over_postgres_keep_descriptors_for_those_they_serve() {
    let (database, folder) = (Database::create(), tempfile::tempdir().unwrap());
    let store = format!("file://{}", folder.path().display());
    let options = ["--role", "backend", "--database-url", &database.url, "--blob-store", &store];
    let backend = start("backend", &options);
    let frontend = start("frontend", &["--role", "frontend", "--backend", &backend.url.0]);
    backend.wait_until_ready();
    frontend.wait_until_ready();
    survives(&frontend.url, &frontend);
    survives(&frontend.url, &backend);
    survives(&backend.url, &backend);
}

/// Whatever the reason: here its limit is lowered to what it has open, as it runs.
#[test]
fn a_process_without_a_descriptor_left_rests_and_goes_on_once_it_has_some() {
    let folder = tempfile::tempdir().unwrap();
    let process = start("standalone", &["--data-dir", folder.path().to_str().unwrap()]);
    process.wait_until_ready();
    let content = Content::new(1, 12_000_000);
    let upload = Tus::create(&process.url, content.length);
    let mut sending = upload.begin(&process.url, 0, content.length);
    sending.write(&content.bytes(0..1_000_000)).unwrap();
    until("the upload is under way", || (upload.offset(&process.url) > 0).then_some(()));

    allow(&process, descriptors(&process));
    let connections: Vec<_> = (0..20).map(|_| TcpStream::connect(process.url.authority()).unwrap()).collect();
    sending.write(&content.bytes(1_000_000..2_000_000)).unwrap();
    let begin = ticks(&process);
    thread::sleep(Duration::from_secs(3));
    let used = ticks(&process) - begin;
    println!("{used} ticks in 3 s without a descriptor, {} connections wait", waiting(&process.url));
    assert!(waiting(&process.url) > 0, "it has accepted them all");
    assert!(used < 100, "{used} ticks in 3 s");
    allow(&process, LIMIT);

    sending.write(&content.bytes(2_000_000..content.length)).unwrap();
    sending.answer().unwrap().expect(204);
    drop(connections);
    process.wait_until_ready();
    assert_stored(&process.url, upload.id(), content);
}

fn allow(process: &Process, descriptors: usize) {
    let pid = process.id().to_string();
    let limit = format!("--nofile={descriptors}:");
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

#[test]
fn a_low_soft_limit_is_raised_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", folder.path().to_str().unwrap()];
    let command = program_under(&["prlimit", "--nofile=100:1000"]);
    let process = Process::launch_as("standalone", command, arguments).greeted();
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(limit.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["1000", "1000"]);
    process.wait_until_ready();
}

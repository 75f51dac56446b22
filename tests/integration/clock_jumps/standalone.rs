use super::{HOUR, listed_replicas, start, upload_across_jumps, wait_until_wrong_by};
use crate::support::api::{assert_stored, put, text};
use crate::support::clock::Clock;
use crate::support::content::Content;
use crate::support::process::Process;
use std::path::Path;

fn standalone(clock: &Clock, folder: &Path) -> Process {
    let process = start(clock, "standalone", &["--data-dir", folder.to_str().unwrap()]);
    process.wait_until_ready();
    process
}

#[test]
fn a_clock_that_jumps_spoils_no_upload_no_list_and_no_replica() {
    let (clock, folder) = (Clock::new(), tempfile::tempdir().unwrap());
    let process = standalone(&clock, folder.path());
    upload_across_jumps(&process.url, 4, |seconds| {
        clock.set(seconds);
        wait_until_wrong_by(seconds, &process.url);
    });
}

#[test]
fn a_restart_with_the_clock_set_back_finds_everything_and_lists_no_dead_replica() {
    let (clock, folder) = (Clock::new(), tempfile::tempdir().unwrap());
    let mut process = standalone(&clock, folder.path());
    let before = Content::new(1, 2_000_000);
    let id = text(&put(&process.url, "before", before), "id").to_owned();
    process.kill();
    clock.set(-HOUR);
    process = standalone(&clock, folder.path());
    wait_until_wrong_by(-HOUR, &process.url);
    assert_stored(&process.url, &id, before);
    let after = Content::new(2, 2_000_000);
    let id = text(&put(&process.url, "after", after), "id").to_owned();
    assert_stored(&process.url, &id, after);
    let listed = listed_replicas(&process.url);
    assert_eq!(listed.len(), 4, "{listed:#?}");
}

use super::{
    MIB, assert_no_room, assert_normal, assert_refuses_and_reads, begin_half, delete, fill_with_uploads,
    try_put,
};
use crate::support::api::assert_stored;
use crate::support::content::Content;
use crate::support::process::Process;
use crate::support::small_disk::SmallDisk;
use std::fs;

fn standalone(disk: &SmallDisk) -> Process {
    let data = disk.path().join("data");
    let process = Process::start("standalone", ["--data-dir".as_ref(), data.as_os_str()]);
    process.wait_until_ready();
    process
}

#[test]
fn a_disk_that_uploads_have_filled_has_room_again_when_one_is_deleted() {
    let disk = SmallDisk::mount(160);
    let process = standalone(&disk);
    let at = &process.url;
    let half = begin_half(at);
    let stored = fill_with_uploads(at, 9 * MIB);
    assert_refuses_and_reads(at, (&half.0, half.1, half.2), 9 * MIB);
    stored.iter().for_each(|(id, content)| assert_stored(at, id, *content));
    process.wait_until_ready();

    stored[..3].iter().for_each(|(id, _)| delete(at, id));
    assert_normal(at, half);
    stored[3..].iter().for_each(|(id, content)| assert_stored(at, id, *content));
}

#[test]
fn a_full_disk_that_grows_has_room_again() {
    let disk = SmallDisk::mount(120);
    let process = standalone(&disk);
    let half = begin_half(&process.url);
    fill_with_uploads(&process.url, 9 * MIB);
    disk.resize(300);
    assert_normal(&process.url, half);
}

#[test]
fn a_disk_that_others_have_filled_to_its_last_byte_is_read_from_and_used_again_later() {
    let disk = SmallDisk::mount(120);
    let process = standalone(&disk);
    let at = &process.url;
    let half = begin_half(at);
    let stored = Content::new(1, 3 * MIB);
    let answer = try_put(at, "stored", stored).expect(201).json();
    let id = answer["uploads"][0]["id"].as_str().unwrap();
    let somebody_elses = disk.fill(0);
    // SQLite has no room either: not even an empty file can be recorded.
    assert_no_room(try_put(at, "empty", Content::new(2, 0)));
    assert_refuses_and_reads(at, (&half.0, half.1, half.2), 2 * MIB);
    assert_stored(at, id, stored);
    process.wait_until_ready();

    fs::remove_file(somebody_elses).unwrap();
    assert_normal(at, half);
    delete(at, id);
}

//! A file is begun, and goes on, only while its disk has room for it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Room on the disk that no upload gets. A catalog on the same disk needs some to say what was deleted: without it a disk
/// that uploads have filled could never be emptied again.
const RESERVED_BYTES: u64 = 64 << 20;
/// What a chunk that has begun leaves of that, so that a few that found room at the same time do not stop each other.
const MARGIN_BYTES: u64 = RESERVED_BYTES / 2;

/// The file, where the chunk needs `rest`. If there is none it is made, after `making` was called: what is refused for want of
/// room leaves not even an empty one.
pub(super) fn open(path: &Path, rest: u64, making: impl FnOnce()) -> io::Result<File> {
    leave_room(path, wanted(false, rest))?;
    let mut options = OpenOptions::new();
    match options.write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            making();
            options.create(true).truncate(false).open(path)
        }
        opened => opened,
    }
}

/// Fails if there is no room for the `rest` of a chunk that has begun.
pub(super) fn go_on(path: &Path, rest: u64) -> io::Result<()> {
    leave_room(path, wanted(true, rest))
}

/// How many bytes have to be free where a chunk still needs `rest`. What is written has its room.
fn wanted(begun: bool, rest: u64) -> u64 {
    match (begun, rest) {
        (true, 0) => 0,
        (true, _) => rest.saturating_add(MARGIN_BYTES),
        (false, _) => rest.saturating_add(RESERVED_BYTES),
    }
}

/// Fails where less than `wanted` bytes are free. Others may write between this and our own writing, so it is a margin, not a
/// promise.
fn leave_room(path: &Path, wanted: u64) -> io::Result<()> {
    let disk = rustix::fs::statvfs(path.parent().unwrap_or(Path::new(".")))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    // A file system that says it has no blocks at all does not know its size.
    match disk.f_blocks > 0 && free < wanted {
        true => Err(ErrorKind::StorageFull.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_has_no_room_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let refused = open(&path, u64::MAX, || panic!("it is not made")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::StorageFull);
        assert!(!path.exists());
        assert_eq!(go_on(&path, u64::MAX).unwrap_err().kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn it_is_told_when_a_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let made = Cell::new(0);
        for times in [1, 1] {
            open(&path, 1, || made.set(made.get() + 1)).unwrap();
            assert_eq!(made.get(), times);
        }
        std::fs::remove_file(&path).unwrap();
        open(&path, 1, || made.set(made.get() + 1)).unwrap();
        assert_eq!(made.get(), 2);
    }

    #[test]
    fn a_chunk_that_has_begun_needs_less_room_than_one_that_begins() {
        assert_eq!((wanted(false, 5), wanted(true, 5)), (5 + (64 << 20), 5 + (32 << 20)));
        assert_eq!(wanted(true, u64::MAX), u64::MAX);
        assert_eq!(wanted(true, 0), 0, "nothing is left to be written");
    }
}

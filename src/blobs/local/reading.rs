//! Files being read. What the kernel holds in memory is copied at once; only what it has to fetch from the disk is left to a
//! thread that may wait. Most that is read was written or read a short time ago, and the way to another thread and back costs
//! more than the copy.

use super::blocking;
use crate::blobs::BlobError;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Small enough to be in the processor's cache still when it is sent. Each reader that is slower than we are holds one, which no
/// budget counts.
const PIECE_BYTES: usize = 64 << 10;

/// The `length` bytes of a file from `position` on.
pub(super) async fn read(
    path: PathBuf,
    position: u64,
    length: u64,
) -> Result<impl Stream<Item = Result<Bytes, BlobError>>, BlobError> {
    let file = match open_from_memory(&path) {
        Ok(file) => file,
        // Its name is not in memory, or the kernel cannot tell; whatever else is wrong is wrong again.
        Err(_) => blocking(move || File::open(path)).await?,
    };
    let reading = Reading { file: Arc::new(file), position, left: length, last: Bytes::new() };
    Ok(stream::try_unfold(reading, Reading::next))
}

struct Reading {
    file: Arc<File>,
    position: u64,
    left: u64,
    /// What was read last. If nobody else holds it any more its memory takes what comes next.
    last: Bytes,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobError> {
        if self.left == 0 {
            return Ok(None);
        }
        let count = PIECE_BYTES.min(usize::try_from(self.left).unwrap_or(PIECE_BYTES));
        let mut bytes = std::mem::take(&mut self.last).try_into_mut().unwrap_or_default();
        bytes.resize(count, 0);
        let there = read_from_memory(&self.file, &mut bytes, self.position);
        if there < count {
            bytes = self.read_from_disk(bytes, there).await?;
        }
        let bytes = bytes.freeze();
        self.position += count as u64;
        self.left -= count as u64;
        self.last = bytes.clone();
        Ok(Some((bytes, self)))
    }

    /// Fills `bytes` from `there` on.
    async fn read_from_disk(&self, mut bytes: BytesMut, there: usize) -> io::Result<BytesMut> {
        let (file, position) = (self.file.clone(), self.position + there as u64);
        blocking(move || file.read_exact_at(&mut bytes[there..], position).map(|()| bytes)).await
    }
}

/// Opens a file unless that would have to wait.
fn open_from_memory(path: &Path) -> rustix::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).map(File::from)
}

/// Reads as much as is there without waiting. Some file systems cannot do that, and then it is nothing.
fn read_from_memory(file: &File, bytes: &mut [u8], position: u64) -> usize {
    preadv2(file, &mut [IoSliceMut::new(bytes)], position, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

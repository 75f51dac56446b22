//! Files being read. What the kernel holds in memory is copied at once; only what it has to fetch from the disk is left to a
//! thread that may wait. Most that is read was written or read a short time ago, and the way to another thread and back costs
//! more than the copy.

use super::blocking;
use crate::blobs::BlobError;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Small enough to be in the processor's cache still when it is sent. Each reader that is slower than we are holds one or two,
/// which no budget counts, here and of the larger ones below.
const PIECE_BYTES: usize = 64 << 10;
/// Where each piece takes a way to another thread and back, as on file systems that cannot say what they hold in memory.
const FAR_PIECE_BYTES: usize = 256 << 10;

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
    let reading = Reading { file: Arc::new(file), position, left: length, far: false, last: Bytes::new() };
    Ok(stream::try_unfold(reading, Reading::next))
}

struct Reading {
    file: Arc<File>,
    position: u64,
    left: u64,
    /// The file system, or the kernel, cannot read without waiting.
    far: bool,
    /// What was read last. If nobody else holds it any more its memory takes what comes next.
    last: Bytes,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobError> {
        if self.left == 0 {
            return Ok(None);
        }
        let piece = if self.far { FAR_PIECE_BYTES } else { PIECE_BYTES };
        let count = piece.min(usize::try_from(self.left).unwrap_or(piece));
        let mut bytes = std::mem::take(&mut self.last).try_into_mut().unwrap_or_default();
        bytes.resize(count, 0);
        let there = match self.far {
            true => None,
            false => read_from_memory(&self.file, &mut bytes, self.position),
        };
        self.far = there.is_none();
        let there = there.unwrap_or(0);
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

/// Reads as much as is there without waiting; `None` where that cannot be asked for.
fn read_from_memory(file: &File, bytes: &mut [u8], position: u64) -> Option<usize> {
    match preadv2(file, &mut [IoSliceMut::new(bytes)], position, ReadWriteFlags::NOWAIT) {
        Ok(read) => Some(read),
        Err(Errno::AGAIN | Errno::INTR) => Some(0),
        // Whatever else is wrong is wrong again for who waits.
        Err(_) => None,
    }
}

//! Bytes in files, in one folder that all backends share.
//!
//! There is a file for each (blob, epoch), and a byte's position in it is its place's: `<folder>/<xx>/<blob>.<epoch>`. A file
//! may have holes where another epoch's bytes count, and bytes that count nowhere; it is never truncated, so a late
//! duplicate writes what stands there already.
//!
//! `<xx>` are the last two digits of the blob's id, which are random (the first tell the time): 256 folders, all made when
//! the store is opened, so that no write has to make one durable. With a million blobs each holds some 4000 files, which
//! deleting a blob looks through. A folder for each blob would spare that and cost two more fsyncs for each upload.

mod named;
mod reading;
mod room;

use super::{BlobError, BlobStore, Owner, PIECE, Place, Stage, absorb};
use crate::db::Staged;
use crate::domain::{BlobEpoch, BlobId, CatalogId, Digest, Epoch};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use named::Named;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// POSIX's IOV_MAX on Linux.
const WRITE_PARTS: usize = 1024;
/// The file that says of which catalog the others are.
const OWNER: &str = ".catalog";
/// Folders that are listed together. A power of two.
const FOLDERS_LISTED: usize = 16;

/// See the module.
#[derive(Clone, Debug)]
pub struct LocalBlobs {
    folder: Arc<Path>,
    named: Named,
}

/// The folder cannot serve as a store.
#[derive(Debug, thiserror::Error)]
#[error("cannot store files in {}: {cause}", folder.display())]
pub struct Unusable {
    folder: PathBuf,
    #[source]
    cause: io::Error,
}

impl LocalBlobs {
    /// Opens the store in `folder`, or makes it. Fails unless files can be written there.
    pub async fn open(folder: &Path) -> Result<Self, Unusable> {
        let path: Arc<Path> = folder.into();
        let store = Self { folder: path.clone(), named: Named::default() };
        let prepared = blocking(move || prepare(&path)).await;
        prepared.map(|()| store).map_err(|cause| Unusable { folder: folder.into(), cause })
    }

    fn folder_of(&self, blob: BlobId) -> PathBuf {
        self.folder_numbered(blob.0.as_bytes()[15])
    }

    fn folder_numbered(&self, last_byte: u8) -> PathBuf {
        self.folder.join(format!("{last_byte:02x}"))
    }

    fn file_of(&self, blob: BlobId, epoch: Epoch) -> PathBuf {
        self.folder_of(blob).join(format!("{}{epoch}", prefix(blob)))
    }
}

/// What the names of all files of a blob begin with.
fn prefix(blob: BlobId) -> String {
    format!("{}.", blob.0.hyphenated())
}

/// What a file holds, told by its name; `None` for one that is not ours.
fn bytes_in(name: &OsStr) -> Option<BlobEpoch> {
    let (blob, epoch) = name.to_str()?.split_once('.')?;
    let bytes = BlobEpoch { blob: BlobId(Uuid::try_parse(blob).ok()?), epoch: Epoch(epoch.parse().ok()?) };
    // One name for each, or deleting it would delete another file.
    (format!("{}{}", prefix(bytes.blob), bytes.epoch) == name.to_str()?).then_some(bytes)
}

/// Makes the folders, such that a power cut leaves them. Those above one that belongs to a catalog were made so before.
fn prepare(folder: &Path) -> io::Result<()> {
    if !folder.join(OWNER).exists() {
        make_durable(folder)?;
    }
    for last_byte in 0..=u8::MAX {
        match fs::create_dir(folder.join(format!("{last_byte:02x}"))) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    // Also where all were there: whoever made them may have died before this.
    sync_folder(folder)?;
    // Last, since a change of the folder is what there would be to sync, and this one need not last.
    let probe = folder.join(format!(".writable-{:016x}", fastrand::u64(..)));
    File::create_new(&probe)?;
    fs::remove_file(probe)
}

/// Makes the folder, and those above it.
fn make_durable(folder: &Path) -> io::Result<()> {
    let path: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty()).collect();
    let missing = path.iter().take_while(|folder| !folder.exists()).count();
    fs::create_dir_all(folder)?;
    for (number, folder) in path.iter().enumerate() {
        // The parent of a relative path's first part is the empty path.
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        match sync_folder(parent.unwrap_or(Path::new("."))) {
            Err(error) if number < missing => return Err(error),
            // One that was there may have been made by a program that died before it came to this, or by others, in a place
            // that we may not open.
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[async_trait]
impl BlobStore for LocalBlobs {
    async fn stage(&self, place: Place, length: u64) -> Result<Box<dyn Stage>, BlobError> {
        let path = self.file_of(place.blob, place.epoch);
        Ok(Box::new(LocalStage {
            bytes: BlobEpoch { blob: place.blob, epoch: place.epoch },
            path,
            named: self.named.clone(),
            file: None,
            position: place.start,
            end: place.start + length,
            waiting: Vec::new(),
            waiting_bytes: 0,
        }))
    }

    fn holds(&self, length: u64) -> u64 {
        // What is written and what comes meanwhile, each with the part that made it large enough.
        length.min(3 * PIECE as u64)
    }

    async fn read(
        &self,
        place: Place,
        length: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let path = self.file_of(place.blob, place.epoch);
        Ok(reading::read(path, place.start, length).await?.boxed())
    }

    async fn delete(&self, blob: BlobId) -> Result<(), BlobError> {
        let (folder, prefix) = (self.folder_of(blob), prefix(blob));
        Ok(blocking(move || delete_files(&folder, &prefix)).await?)
    }

    async fn delete_epoch(&self, bytes: BlobEpoch) -> Result<(), BlobError> {
        let path = self.file_of(bytes.blob, bytes.epoch);
        Ok(blocking(move || delete_file(&path)).await?)
    }

    /// A page for each few folders.
    fn inventory(&self) -> BoxStream<'static, Result<Vec<BlobEpoch>, BlobError>> {
        let store = self.clone();
        let pages = stream::iter((0..=u8::MAX).step_by(FOLDERS_LISTED)).then(move |first| {
            let last = first | (FOLDERS_LISTED - 1) as u8;
            let folders: Vec<PathBuf> = (first..=last).map(|byte| store.folder_numbered(byte)).collect();
            async move { Ok(blocking(move || list_files(&folders)).await?) }
        });
        pages.boxed()
    }

    async fn owner(&self, catalog: CatalogId) -> Result<Owner, BlobError> {
        let path = self.folder.join(OWNER);
        match blocking(move || fs::read(path)).await {
            Ok(written) if written == owner_line(catalog).as_bytes() => Ok(Owner::Same),
            Ok(_) => Ok(Owner::Another),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Owner::Nobody),
            Err(error) => Err(error.into()),
        }
    }

    async fn adopt(&self, catalog: CatalogId) -> Result<(), BlobError> {
        let folder = self.folder.clone();
        Ok(blocking(move || write_owner(&folder, catalog)).await?)
    }
}

fn owner_line(catalog: CatalogId) -> String {
    format!("{}\n", catalog.0.hyphenated())
}

/// Whole or not at all, also after a power cut.
fn write_owner(folder: &Path, catalog: CatalogId) -> io::Result<()> {
    let draft = folder.join(format!("{OWNER}-{:016x}", fastrand::u64(..)));
    let mut file = File::create_new(&draft)?;
    file.write_all(owner_line(catalog).as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(OWNER))?;
    sync_folder(folder)
}

fn delete_files(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        delete_file(&entry.path())?;
    }
    // Else a power cut brings back what the catalog has forgotten.
    sync_folder(folder)
}

/// Not durably: after a power cut the file may be there again, and is found once more.
fn delete_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn list_files(folders: &[PathBuf]) -> io::Result<Vec<BlobEpoch>> {
    let mut found = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            found.extend(bytes_in(&entry?.file_name()));
        }
    }
    Ok(found)
}

/// A chunk being written. Small pieces are written together: at most [`PIECE`] and what one call brought wait here.
struct LocalStage {
    bytes: BlobEpoch,
    path: PathBuf,
    named: Named,
    file: Option<Arc<File>>,
    position: u64,
    end: u64,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
}

#[async_trait]
impl Stage for LocalStage {
    async fn write(&mut self, parts: &[Bytes], digest: Digest) -> Result<Digest, BlobError> {
        let digested = self.waiting.len();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            self.waiting_bytes += part.len();
            self.waiting.push(part.clone());
        }
        match self.waiting_bytes >= PIECE || self.waiting.len() >= WRITE_PARTS {
            true => self.flush(digest, digested, false).await,
            false => absorb(digest, &self.waiting[digested..], Digest::update).await,
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Staged, BlobError> {
        if self.file.is_some() || !self.waiting.is_empty() {
            let all = self.waiting.len();
            self.flush(Digest::default(), all, true).await?;
        }
        Ok(Staged::Durable)
    }
}

impl LocalStage {
    /// Writes what waits, of which the first `digested` parts are in the digest already.
    async fn flush(
        &mut self,
        mut digest: Digest,
        digested: usize,
        durably: bool,
    ) -> Result<Digest, BlobError> {
        let (path, file, position) = (self.path.clone(), self.file.clone(), self.position);
        let (named, bytes) = (self.named.clone(), self.bytes);
        let rest = self.end.saturating_sub(position);
        let parts = std::mem::take(&mut self.waiting);
        self.position += std::mem::take(&mut self.waiting_bytes) as u64;
        let written = blocking(move || {
            let file = match file {
                Some(file) => room::go_on(&path, rest).map(|()| file)?,
                None => Arc::new(room::open(&path, rest, || named.forget(bytes))?),
            };
            let (old, new) = parts.split_at(digested);
            let mut position = write_all_at(&file, old, position)?;
            for piece in pieces(new) {
                piece.iter().for_each(|part| digest.update(part));
                position = write_all_at(&file, piece, position)?;
            }
            if durably {
                file.sync_data()?;
                // Also where the file was there: another backend may have made it and died before it could do this.
                named.once(bytes, || path.parent().map_or(Ok(()), sync_folder))?;
            }
            Ok((file, digest))
        });
        let (file, digest) = written.await?;
        self.file = Some(file);
        Ok(digest)
    }
}

/// The same parts, in groups of about [`PIECE`] bytes.
fn pieces(mut parts: &[Bytes]) -> impl Iterator<Item = &[Bytes]> {
    std::iter::from_fn(move || {
        let mut length = 0;
        let full = parts.iter().position(|part| {
            length += part.len();
            length >= PIECE
        });
        let (piece, rest) = parts.split_at(full.map_or(parts.len(), |last| last + 1));
        parts = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Returns where the next bytes go.
fn write_all_at(file: &File, parts: &[Bytes], mut position: u64) -> io::Result<u64> {
    for parts in parts.chunks(WRITE_PARTS) {
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            let written = match rustix::io::pwritev(file, left, position) {
                Err(rustix::io::Errno::INTR) => continue,
                outcome => outcome?,
            };
            if written == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            position += written as u64;
            IoSlice::advance_slices(&mut left, written);
        }
    }
    Ok(position)
}

/// Makes the names in a folder durable. Some file systems keep them so anyway and refuse.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        outcome => outcome,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::UnexpectedEof => Self::Missing,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full(error.into()),
            _ => Self::Unavailable(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;

//! A PUT: bytes into a file, durable under its name before the answer.

use crate::Floor;
use crate::request::Reader;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;

/// So much is handed to the disk at once while more is received, or the sync at the end would have all to do.
const WRITE_BACK: u64 = 8 << 20;

unsafe extern "C" {
    fn sync_file_range(file: i32, offset: i64, length: i64, flags: u32) -> i32;
}
const SYNC_FILE_RANGE_WRITE: u32 = 2;

impl Floor {
    /// Returns the digest.
    pub fn store(&self, name: &str, length: u64, body: &mut Reader) -> Result<String, Box<dyn Error>> {
        let (unfinished, path) = (self.folder.join(format!(".{name}")), self.folder.join(name));
        let mut file = File::create(&unfinished)?;
        let (mut hash, mut done, mut begun) = (Sha256::new(), 0, 0);
        while done < length {
            let bytes = body.body(length - done)?;
            file.write_all(bytes)?;
            done += bytes.len() as u64;
            if !self.bare {
                hash.update(bytes);
            }
            if !self.bare && done - begun >= WRITE_BACK {
                write_back(&file, begun, done - begun);
                begun = done;
            }
        }
        if !self.bare {
            file.sync_data()?;
        }
        fs::rename(&unfinished, &path)?;
        if !self.bare {
            File::open(&self.folder)?.sync_all()?;
        }
        let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if let Some(pool) = &self.pool {
            pool.note(name, i64::try_from(length)?, &digest)?;
        }
        Ok(digest)
    }
}

/// A hint: what it does not do is done by the sync at the end.
fn write_back(file: &File, offset: u64, length: u64) {
    // SAFETY: the descriptor is open, and no memory is passed.
    unsafe { sync_file_range(file.as_raw_fd(), offset as i64, length as i64, SYNC_FILE_RANGE_WRITE) };
}

use super::wait::until;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A disk of a size that a test chooses, in memory. Mounting needs root. Unmounted when dropped.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    pub fn mount(mebibytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        mount(&format!("size={mebibytes}m,mode=755"), folder.path());
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn resize(&self, mebibytes: u64) {
        mount(&format!("remount,size={mebibytes}m"), self.path());
    }

    pub fn free_bytes(&self) -> u64 {
        let disk = rustix::fs::statvfs(self.path()).unwrap();
        disk.f_bavail * disk.f_frsize
    }

    /// Somebody else takes what room there is, but for some bytes. It is free again when the file is removed.
    pub fn fill(&self, leave_bytes: u64) -> PathBuf {
        let path = self.path().join("somebody-elses");
        let mut file = File::create(&path).unwrap();
        let block = [7; 4096];
        while self.free_bytes() > leave_bytes {
            match file.write_all(&block) {
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                outcome => outcome.unwrap(),
            }
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A database that was just killed may still be on its way out.
        until("the small disk is free", || {
            Command::new("umount").arg(self.folder.path()).output().unwrap().status.success().then_some(())
        });
    }
}

fn mount(options: &str, at: &Path) {
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output().unwrap();
    assert!(mounted.status.success(), "mounting needs root: {}", String::from_utf8_lossy(&mounted.stderr));
}

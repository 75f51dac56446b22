//! A disk that loses, when its power is cut, what was not synced: tests/power_cut/lossy_fs.py, mounted through FUSE.

use super::wait::until;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What survives of what was written and not synced.
#[derive(Clone, Copy, Debug)]
pub enum Surviving {
    Nothing,
    /// Each write and each name with an even chance, in any combination.
    Some {
        seed: u64,
    },
}

/// Mounted until it is dropped.
pub struct LossyDisk {
    folder: TempDir,
    surviving: Surviving,
    file_system: Child,
}

impl LossyDisk {
    pub fn mount(surviving: Surviving) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        let file_system = mount(folder.path(), surviving);
        Self { folder, surviving, file_system }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// The power goes and comes again. Nothing may run on the disk any more.
    pub fn cut_power(&mut self) {
        self.unmount();
        self.file_system = mount(self.folder.path(), self.surviving);
    }

    fn unmount(&mut self) {
        let pid = i32::try_from(self.file_system.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(self.file_system.wait().unwrap().success(), "the file system has failed");
    }
}

impl Drop for LossyDisk {
    fn drop(&mut self) {
        self.unmount();
    }
}

fn mount(folder: &Path, surviving: Surviving) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/lossy_fs.py");
    let disk = folder.join("disk");
    // The system's Python has the module (Debian: python3-fusepy), which another one in the PATH may lack.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(script).arg(&disk).arg(folder.join("image")).stdin(Stdio::null());
    if let Surviving::Some { seed } = surviving {
        command.args(["--survive", "0.5", "--seed", &seed.to_string()]);
    }
    let mut file_system = command.spawn().unwrap();
    until("the lossy disk is mounted", || {
        assert!(file_system.try_wait().unwrap().is_none(), "it needs FUSE, libfuse 2 and python3-fusepy");
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        mounts.lines().any(|line| line.split(' ').nth(1) == disk.to_str()).then_some(())
    });
    file_system
}

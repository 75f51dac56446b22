use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// A clock that a test sets, for the programs it was given to. What runs, and what lasts, is measured as ever
/// (`CLOCK_MONOTONIC`), as when an administrator or NTP sets a clock.
pub struct Clock {
    folder: TempDir,
}

impl Clock {
    pub fn new() -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        // PostgreSQL reads it as another user.
        fs::set_permissions(clock.folder.path(), Permissions::from_mode(0o755)).unwrap();
        clock.set(0);
        clock
    }

    /// Wrong by so many seconds from now on.
    pub fn set(&self, seconds: i64) {
        // At once and whole: a file half written would be no time at all.
        let next = self.folder.path().join("next");
        fs::write(&next, format!("{seconds:+}")).unwrap();
        fs::rename(next, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// What a program is given in its environment to live by this clock.
    pub fn environment(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("LD_PRELOAD", libfaketime()),
            ("FAKETIME_TIMESTAMP_FILE", self.file()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }
}

/// Where Debian has it: /usr/lib/<architecture>/faketime.
fn libfaketime() -> PathBuf {
    let architectures = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = architectures.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("these tests need libfaketime")
}

use super::chaos::reserve;
use super::client::Url;
use super::process::{Process, send};
use super::wait::until;
use rustix::process::Signal;
use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use tempfile::TempDir;

/// The edge of the stack, a real nginx with the project's own configuration, before frontends that a test has started.
pub struct Nginx {
    pub url: Url,
    child: Child,
    folder: TempDir,
    _reserved: OwnedFd,
}

impl Nginx {
    /// Started, and it answers.
    pub fn before(frontends: &[Process]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // If root starts it, its workers are somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let (reserved, address) = reserve();
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(folder.path(), address, frontends)).unwrap();
        let child = launch(&file);
        let mut nginx = Self { url: Url(format!("http://{address}")), child, folder, _reserved: reserved };
        until("nginx answers", || {
            assert_eq!(nginx.child.try_wait().unwrap(), None, "nginx has ended: {}", nginx.log());
            nginx.url.get("/nginx-health").try_send().ok()
        });
        nginx
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not killed, or its workers would live on.
        send(Signal::TERM, &self.child);
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("--- nginx at {}\n{}", self.url.0, self.log());
        }
    }
}

fn launch(configuration: &Path) -> Child {
    let folder = configuration.parent().unwrap();
    // Opened once more by nginx, which appends to it.
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    // As with the program under test, the kernel ends it together with the test.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--", "nginx", "-g", "daemon off;", "-e", "stderr", "-p"]);
    command.arg(folder).arg("-c").arg(configuration).stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// What must differ where there is no container for it, and no Docker that knows the frontends by name.
fn configuration(folder: &Path, address: SocketAddr, frontends: &[Process]) -> String {
    let text = include_str!("../../nginx/nginx.conf");
    let text = replaced(text, "/tmp/", &format!("{}/", folder.display()));
    let text = replaced(&text, "listen 8080 ", &format!("listen {address} "));
    // Names in an upstream are looked up since nginx 1.27.3, which is newer than that of many distributions.
    let line = "server tasks.frontend:8000 resolve max_fails=1 fail_timeout=2s;";
    let server = |frontend: &Process| replaced(line, "tasks.frontend:8000 resolve", frontend.url.authority());
    replaced(&text, line, &frontends.iter().map(server).collect::<Vec<_>>().join("\n        "))
}

fn replaced(text: &str, what: &str, with: &str) -> String {
    assert!(text.contains(what), "nginx/nginx.conf has no {what:?} any more, which tests replace");
    text.replace(what, with)
}

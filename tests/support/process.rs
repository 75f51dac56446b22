use super::client::Url;
use super::wait::{Watched, until};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

/// A running replica (or a whole standalone service). Killed when dropped; what it logged is printed if the test fails.
pub struct Process {
    pub url: Url,
    name: String,
    child: Child,
    output: Arc<Watched<Output>>,
}

#[derive(Default)]
struct Output {
    lines: Vec<String>,
    /// Gets each line, too, as it comes.
    copy: Option<File>,
    /// Streams that have ended, of two.
    ended: usize,
}

impl Output {
    fn take(&mut self, line: String) {
        if let Some(copy) = &mut self.copy {
            writeln!(copy, "{line}").unwrap();
        }
        self.lines.push(line);
    }
}

/// The program under test: `SWARM_UPLOAD_BIN`, or what cargo has just built.
pub fn program() -> Command {
    program_under(&[])
}

/// The program, started by another one that prepares its surroundings and becomes it.
pub fn program_under(launcher: &[&str]) -> Command {
    let built = env!("CARGO_BIN_EXE_swarm-upload");
    let path = std::env::var("SWARM_UPLOAD_BIN").unwrap_or_else(|_| built.into());
    // The kernel ends the program together with the test that started it, however that ends.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).args(launcher).arg(path).env_clear().stdin(Stdio::null());
    command
}

impl Process {
    /// Starts the program on a free port and reads the port from its greeting.
    pub fn start(name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        Self::launch(name, arguments).greeted()
    }

    /// Starts the program and does not wait for it. It ends with the thread that calls this.
    pub fn launch(name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        Self::launch_as(name, program(), arguments)
    }

    /// Starts a [`program`] that the test has prepared.
    pub fn launch_as(
        name: &str,
        mut command: Command,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = Arc::new(Watched::default());
        collect(child.stdout.take().unwrap(), output.clone());
        collect(child.stderr.take().unwrap(), output.clone());
        Self { url: Url(String::new()), name: name.into(), child, output }
    }

    /// Waits for the greeting, and knows the address from then on.
    pub fn greeted(mut self) -> Self {
        self.url = self.read_greeting();
        self
    }

    fn read_greeting(&self) -> Url {
        let find = |output: &Output| output.lines.iter().find_map(|line| url_in(line));
        self.output.wait_until("a greeting", |output| find(output).is_some() || output.ended == 2);
        self.output.read(find).unwrap_or_else(|| panic!("{} ended without a greeting", self.name))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes what the program says to a file, too: what it has said so far, and each line as it comes.
    #[allow(dead_code, reason = "other tests print it when they fail")]
    pub fn copy_output_to(&self, mut file: File) {
        self.output.change(|output| {
            output.lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
            output.copy = Some(file);
        });
    }

    pub fn wait_until_ready(&self) {
        until(format!("{} is ready", self.name), || {
            self.url.get("/readyz").try_send().ok().filter(|answer| answer.status == 200)
        });
    }

    /// What it has logged so far that contains `text`.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let lines =
            |output: &Output| output.lines.iter().filter(|line| line.contains(text)).cloned().collect();
        self.output.read(lines)
    }

    pub fn wait_until_not_ready(&self) {
        until(format!("{} is not ready", self.name), || {
            (self.url.get("/readyz").send().status == 503).then_some(())
        });
    }

    /// It has told everybody that it ends, and takes nothing new any more.
    pub fn wait_until_closed(&self) {
        until(format!("{} accepts nothing more", self.name), || self.url.get("/healthz").begin().err());
    }

    /// It lives, whatever else is away.
    #[track_caller]
    pub fn assert_alive(&self) {
        self.url.get("/healthz").send().expect(200);
    }

    /// What it has logged and printed so far.
    pub fn lines(&self) -> Vec<String> {
        self.output.read(|output| output.lines.clone())
    }

    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        drop(self.child.wait());
    }

    /// As if the machine stood still: connections stay open, nobody answers.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub fn wait_for_exit(&mut self) -> ExitStatus {
        until(format!("{} ends", self.name), || self.ended())
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether a line of what it printed has this in it.
    pub fn has_logged(&self, text: &str) -> bool {
        self.output.read(|output| output.lines.iter().any(|line| line.contains(text)))
    }

    /// The most memory it ever had resident, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn signal(&self, signal: Signal) {
        send(signal, &self.child);
    }
}

/// Sends a signal to a process that this one has started and not yet waited for.
pub fn send(signal: Signal, child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, signal).unwrap();
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            self.output.read(|output| {
                eprintln!("--- {} at {}\n{}", self.name, self.url.0, output.lines.join("\n"));
            });
        }
    }
}

fn collect(stream: impl Read + Send + 'static, output: Arc<Watched<Output>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            output.change(|output| output.take(line));
        }
        output.change(|output| output.ended += 1);
    });
}

/// The first `http://host:port` in a line.
fn url_in(line: &str) -> Option<Url> {
    let from = &line[line.find("http://")?..];
    let end = from[7..].find(|c: char| !(c.is_ascii_alphanumeric() || ".:-[]".contains(c)));
    Some(Url(from[..end.map_or(from.len(), |end| end + 7)].to_owned()))
}

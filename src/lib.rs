//! swarm-upload: an upload service that stays up while everything under it is killed, scaled and replaced.
//!
//! One executable plays three roles: a `frontend` relays uploads to `backend`s, and `standalone` is both in one process.
//! docs/ARCHITECTURE.md has the map of the rooms below and the invariants they keep; `tests/architecture.rs` holds who may
//! import whom.

pub mod backend;
pub mod balance;
pub mod blobs;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod db;
pub mod discovery;
pub mod domain;
pub mod frontend;
pub mod healthcheck;
pub mod http;
pub mod protocol;
pub mod replica;
pub mod standalone;
pub mod telemetry;
pub mod uploads;

use cli::{Cli, Command, Rejected};
use config::Config;
use std::io::Write;
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};

/// How the process ended, for its exit code.
pub enum Ended {
    Well,
    /// It could not start, or is not healthy: 1.
    Unhealthy(String),
    /// The command line or the environment is wrong: 2.
    Misused(String),
}

/// Gives up gaining privileges by running set-user-id programs, for this thread and those that it starts. In a container
/// `security_opt: no-new-privileges` would say so, but `docker stack deploy` ignores that.
pub fn gain_no_privileges() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        eprintln!("swarm-upload: cannot give up gaining privileges: {error}");
    }
}

/// Reads the command line and does what it says, until told to stop.
pub async fn run() -> Ended {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(Rejected::Told(text)) => {
            print!("{text}");
            return Ended::Well;
        }
        Err(Rejected::Wrong(why)) => return Ended::Misused(why),
    };
    telemetry::logging::install(telemetry::logging::Format::of_this_process());
    telemetry::metrics::install();
    if let Some(Command::Healthcheck { url }) = cli.command {
        return match healthcheck::ask(&url).await {
            Ok(()) => Ended::Well,
            Err(why) => Ended::Unhealthy(why),
        };
    }
    match Config::new(cli.serve) {
        Ok(config) => serve(config).await.map_or_else(|ended| ended, |()| Ended::Well),
        Err(error) => Ended::Misused(error.to_string()),
    }
}

/// Plays a role until told to stop, then drains.
async fn serve(config: Config) -> Result<(), Ended> {
    match config {
        Config::Standalone(config) => {
            let standalone = standalone::start(config).await?;
            greet("standalone", standalone.address())?;
            told_to_stop().await?;
            standalone.drain().await;
        }
        Config::Frontend(config) => {
            let frontend = frontend::start_alone(config)?;
            greet("frontend", frontend.address)?;
            told_to_stop().await?;
            let end = frontend.end_of_grace();
            frontend.drain(true, end).await;
        }
        Config::Backend(config) => {
            let backend = backend::start_alone(&config).await?;
            greet("backend", backend.address)?;
            told_to_stop().await?;
            let end = backend.end_of_grace();
            backend.drain(true, end).await;
        }
    }
    Ok(())
}

/// One line on stdout that says where to reach the process: port 0 is a free one by now.
fn greet(role: &str, address: SocketAddr) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "swarm-upload {} {role} on http://{address}", env!("CARGO_PKG_VERSION"))?;
    stdout.flush()
}

/// Returns at the first SIGTERM or SIGINT; a second one ends the process at once.
async fn told_to_stop() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    log::info!("told to stop: draining; a second signal ends at once");
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
    Ok(())
}

impl From<backend::StartError> for Ended {
    fn from(error: backend::StartError) -> Self {
        match error.is_misuse() {
            true => Self::Misused(error.to_string()),
            false => Self::Unhealthy(error.to_string()),
        }
    }
}

impl From<standalone::StartError> for Ended {
    fn from(error: standalone::StartError) -> Self {
        Self::Unhealthy(error.to_string())
    }
}

impl From<frontend::StartError> for Ended {
    fn from(error: frontend::StartError) -> Self {
        Self::Unhealthy(error.to_string())
    }
}

impl From<std::io::Error> for Ended {
    fn from(error: std::io::Error) -> Self {
        Self::Unhealthy(error.to_string())
    }
}

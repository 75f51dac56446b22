//! Every flag and every environment variable, and nothing else. What a value means is for `config` to say.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// An upload service that stays up while everything under it is killed, scaled and replaced.
#[derive(Debug, Parser)]
#[command(name = "swarm-upload", version, max_term_width = 110, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: Serve,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a running replica whether it lives; exit 0 if it does. Made for HEALTHCHECK in an image without curl
    Healthcheck {
        /// What to ask
        #[arg(default_value = "http://127.0.0.1:8000/startupz")]
        url: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// One frontend and several backends in one process, with an embedded database
    Standalone,
    /// Web pages, balancing, relay of uploads
    Frontend,
    /// API, storage, database
    Backend,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// What this process is
    #[arg(long, env, value_enum, default_value = "standalone")]
    pub role: RoleName,

    /// Address and port to serve; port 0 picks a free one. [default: 127.0.0.1:8080 standalone, 0.0.0.0:8000 otherwise]
    #[arg(long, env, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// The largest file that is taken
    #[arg(long, env, value_name = "SIZE", default_value = "10GiB")]
    pub max_upload_size: String,

    /// How much of uploads one process holds in memory at most
    #[arg(long, env, value_name = "SIZE", default_value = "24MiB")]
    pub memory_budget: String,

    /// How long a replica that was told to stop may take to finish what it has begun
    #[arg(long, env, value_name = "DURATION", default_value = "30s")]
    pub shutdown_grace: String,

    /// An origin whose web pages may use the service too, such as https://example.org, or * for any; may be repeated
    #[arg(long, env, value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,

    /// A backend, or a host name of which each address is one; looked up again every second, may be repeated
    #[arg(
        long,
        env,
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://tasks.backend:8000",
        help_heading = "Frontend"
    )]
    pub backend: Vec<String>,

    /// Serve the pages from this folder instead of from the binary, while working on them
    #[arg(long, env, value_name = "DIR", help_heading = "Frontend")]
    pub ui_dir: Option<PathBuf>,

    /// postgres://user@host/db?sslmode=disable|prefer|require or sqlite:///path/file.db; required
    #[arg(long, env, value_name = "URL", help_heading = "Backend")]
    pub database_url: Option<String>,

    /// Instead of a password in the URL
    #[arg(long, env, value_name = "PASSWORD", hide_env_values = true, help_heading = "Backend")]
    pub database_password: Option<String>,

    /// A file that holds the password
    #[arg(long, env, value_name = "FILE", conflicts_with = "database_password", help_heading = "Backend")]
    pub database_password_file: Option<PathBuf>,

    /// postgres: for rows in the database, file:///dir for a folder that all backends share [default: postgres:]
    #[arg(long, env, value_name = "URL", help_heading = "Backend")]
    pub blob_store: Option<String>,

    /// An incomplete upload untouched for this long is removed
    #[arg(long, env, value_name = "DURATION", default_value = "24h", help_heading = "Backend")]
    pub upload_ttl: String,

    /// Where everything is kept
    #[arg(long, env, value_name = "DIR", default_value = "./data", help_heading = "Standalone")]
    pub data_dir: PathBuf,

    /// How many backends to run
    #[arg(long, env, value_name = "COUNT", default_value = "3", help_heading = "Standalone",
        value_parser = clap::value_parser!(u8).range(1..=64))]
    pub backends: u8,
}

/// What is left of a command line that is not one to serve by.
#[derive(Debug)]
pub enum Rejected {
    /// `--help` or `--version`: text for stdout.
    Told(String),
    /// One line that says what is wrong and what is allowed.
    Wrong(String),
}

impl Cli {
    /// Reads the command line and the environment.
    pub fn read() -> Result<Self, Rejected> {
        Self::try_parse().map_err(|error| match error.use_stderr() {
            false => Rejected::Told(error.to_string()),
            true => Rejected::Wrong(one_line(&error.to_string())),
        })
    }
}

/// The first paragraph of clap's message on one line; the rest is usage, which `--help` shows better.
fn one_line(message: &str) -> String {
    let paragraph = message.trim().split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = paragraph.trim_start_matches("error:").split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_an_environment_variable() {
        for argument in Cli::command().get_arguments() {
            let name = argument.get_id().as_str();
            if name != "help" && name != "version" {
                let variable = argument.get_env().and_then(|name| name.to_str());
                assert_eq!(variable, Some(name.to_uppercase().as_str()), "--{name}");
            }
        }
    }

    #[test]
    fn a_bad_value_is_one_line_that_names_the_option_the_value_and_what_is_allowed() {
        let error = Cli::try_parse_from(["swarm-upload", "--role", "database"]).unwrap_err();
        let line = one_line(&error.to_string());
        for part in ["--role", "database", "standalone", "frontend", "backend"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains('\n'));
    }
}

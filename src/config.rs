//! From a command line to a validated configuration for a role. The only reader of secret files.

use crate::cli::{RoleName, Serve};
use crate::domain::Origins;
use bytesize::ByteSize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Bytes of the smallest budget that chunks of a sensible size fit into.
pub const SMALLEST_BUDGET: u32 = 4 << 20;

/// A value that cannot be used: one line that names the option, the value, and what is allowed.
#[derive(Debug, thiserror::Error)]
#[error("invalid value '{value}' for '--{option}': {allowed}")]
pub struct Invalid {
    option: &'static str,
    value: String,
    allowed: String,
}

/// What to run.
#[derive(Debug)]
pub enum Config {
    Standalone(StandaloneConfig),
    Frontend(FrontendConfig),
    Backend(BackendConfig),
}

/// What every role needs.
#[derive(Clone, Debug)]
pub struct Common {
    pub listen: SocketAddr,
    /// Bytes of the largest file that is taken.
    pub max_upload_size: u64,
    /// Bytes of uploads that the process holds in memory at most.
    pub memory_budget: u32,
    pub shutdown_grace: Duration,
    /// Of which other sites browsers may use the service.
    pub cors_origins: Origins,
}

#[derive(Clone, Debug)]
pub struct FrontendConfig {
    pub common: Common,
    pub backends: Vec<Endpoint>,
    pub ui_dir: Option<PathBuf>,
}

/// A host and a port; each of the host's addresses is a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Debug)]
pub struct BackendConfig {
    pub common: Common,
    pub database: Database,
    pub blobs: Blobs,
    pub upload_ttl: Duration,
}

#[derive(Clone)]
pub enum Database {
    Postgres { url: String, password: Option<String> },
    Sqlite(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blobs {
    /// Rows in the PostgreSQL database.
    Postgres,
    Folder(PathBuf),
}

#[derive(Clone, Debug)]
pub struct StandaloneConfig {
    pub common: Common,
    pub data_dir: PathBuf,
    pub backends: u8,
    pub upload_ttl: Duration,
    pub ui_dir: Option<PathBuf>,
}

/// A URL may hold a password, which must not reach a log.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Postgres { .. } => f.write_str("Postgres"),
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
        }
    }
}

impl Config {
    pub fn new(options: Serve) -> Result<Self, Invalid> {
        let common = common(&options)?;
        let upload_ttl = duration("upload-ttl", &options.upload_ttl)?;
        Ok(match options.role {
            RoleName::Standalone => Self::Standalone(StandaloneConfig {
                common,
                data_dir: options.data_dir,
                backends: options.backends,
                upload_ttl,
                ui_dir: options.ui_dir,
            }),
            RoleName::Frontend => Self::Frontend(FrontendConfig {
                common,
                backends: options.backend.iter().map(|url| endpoint(url)).collect::<Result<_, _>>()?,
                ui_dir: options.ui_dir,
            }),
            RoleName::Backend => {
                let database = database(&options)?;
                let blobs = blobs(options.blob_store.as_deref(), &database)?;
                Self::Backend(BackendConfig { common, database, blobs, upload_ttl })
            }
        })
    }
}

fn common(options: &Serve) -> Result<Common, Invalid> {
    let default = match options.role {
        RoleName::Standalone => ([127, 0, 0, 1], 8080),
        RoleName::Frontend | RoleName::Backend => ([0, 0, 0, 0], 8000),
    };
    let budget = size("memory-budget", &options.memory_budget)?;
    let allowed = || "a size from 4MiB to 2GiB".to_owned();
    let memory_budget = match u32::try_from(budget) {
        Ok(bytes @ SMALLEST_BUDGET..=0x8000_0000) => bytes,
        _ => return Err(invalid("memory-budget", &options.memory_budget, allowed())),
    };
    Ok(Common {
        listen: options.listen.unwrap_or_else(|| default.into()),
        max_upload_size: size("max-upload-size", &options.max_upload_size)?,
        memory_budget,
        shutdown_grace: duration("shutdown-grace", &options.shutdown_grace)?,
        cors_origins: origins(&options.cors_origin)?,
    })
}

fn invalid(option: &'static str, value: &str, allowed: impl Into<String>) -> Invalid {
    Invalid { option, value: value.into(), allowed: allowed.into() }
}

fn size(option: &'static str, value: &str) -> Result<u64, Invalid> {
    match value.parse::<ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        _ => Err(invalid(option, value, "a size above 0 such as 512MiB, 10GiB or 5000000")),
    }
}

fn duration(option: &'static str, value: &str) -> Result<Duration, Invalid> {
    match humantime::parse_duration(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(invalid(option, value, "a duration above 0 such as 30s, 5m, 24h or 7d")),
    }
}

fn endpoint(value: &str) -> Result<Endpoint, Invalid> {
    let wrong = || invalid("backend", value, "http://HOST:PORT, without a path");
    let url = Url::parse(value).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
    match url.scheme() == "http" && url.path() == "/" && url.query().is_none() {
        true => Ok(Endpoint { host, port: url.port().unwrap_or(80) }),
        false => Err(wrong()),
    }
}

fn origins(values: &[String]) -> Result<Origins, Invalid> {
    let mut origins = Vec::new();
    // An empty variable is as good as none.
    for value in values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()) {
        match value {
            "*" => return Ok(Origins::Any),
            url => origins.push(origin(url)?),
        }
    }
    Ok(Origins::These(origins))
}

/// As browsers write it.
fn origin(value: &str) -> Result<String, Invalid> {
    let wrong =
        || invalid("cors-origin", value, "https://HOST or https://HOST:PORT, without a path, or * for any");
    let url = Url::parse(value).map_err(|_| wrong())?;
    let origin = url.origin().ascii_serialization();
    // Whatever else there may be in a URL stands out against that. `*.example.org` would be a host name, and help nobody.
    match matches!(url.scheme(), "https" | "http")
        && url.as_str() == format!("{origin}/")
        && !origin.contains('*')
    {
        true => Ok(origin),
        false => Err(wrong()),
    }
}

fn database(options: &Serve) -> Result<Database, Invalid> {
    let allowed = "postgres://user@host/db?sslmode=disable|prefer|require or sqlite:///path/file.db";
    let Some(url) = &options.database_url else {
        return Err(invalid("database-url", "", format!("--role backend needs {allowed}")));
    };
    match url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => {
            Ok(Database::Postgres { url: url.clone(), password: password(options)? })
        }
        Some(("sqlite", path)) => match path.strip_prefix("//").filter(|path| path.starts_with('/')) {
            Some(path) => Ok(Database::Sqlite(path.into())),
            None => Err(invalid("database-url", url, allowed)),
        },
        // Not the value itself: what was meant to be a URL may hold a password.
        _ => Err(invalid("database-url", "…", allowed)),
    }
}

fn password(options: &Serve) -> Result<Option<String>, Invalid> {
    let Some(path) = &options.database_password_file else { return Ok(options.database_password.clone()) };
    match std::fs::read_to_string(path) {
        Ok(secret) => Ok(Some(secret.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => {
            let value = path.to_string_lossy();
            Err(invalid("database-password-file", &value, format!("a readable file ({error})")))
        }
    }
}

fn blobs(value: Option<&str>, database: &Database) -> Result<Blobs, Invalid> {
    let allowed = "postgres: (with a PostgreSQL database) or file:///dir";
    match (value, database) {
        (None | Some("postgres:"), Database::Postgres { .. }) => Ok(Blobs::Postgres),
        (None | Some("postgres:"), Database::Sqlite(_)) => {
            Err(invalid("blob-store", value.unwrap_or_default(), "with SQLite it must be file:///dir"))
        }
        (Some(url), _) => match url.strip_prefix("file://").filter(|path| path.starts_with('/')) {
            Some(path) => Ok(Blobs::Folder(path.into())),
            None => Err(invalid("blob-store", url, allowed)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    fn config(arguments: &[&str]) -> Result<Config, String> {
        let arguments = ["swarm-upload"].iter().chain(arguments);
        Config::new(Cli::try_parse_from(arguments).unwrap().serve).map_err(|error| error.to_string())
    }

    fn backend(arguments: &[&str]) -> Result<BackendConfig, String> {
        match config(&[&["--role", "backend"], arguments].concat())? {
            Config::Backend(config) => Ok(config),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_options_it_is_standalone_on_loopback() {
        let Ok(Config::Standalone(config)) = config(&[]) else { panic!() };
        assert_eq!(config.common.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(config.common.max_upload_size, 10 << 30);
        assert_eq!(config.common.shutdown_grace, Duration::from_secs(30));
        assert_eq!((config.backends, config.upload_ttl), (3, Duration::from_secs(24 * 3600)));
    }

    #[test]
    fn a_frontend_looks_for_the_tasks_of_the_backend_service() {
        let Ok(Config::Frontend(frontend)) = config(&["--role", "frontend"]) else { panic!() };
        assert_eq!(frontend.backends, [Endpoint { host: "tasks.backend".into(), port: 8000 }]);
        assert_eq!(frontend.common.listen, "0.0.0.0:8000".parse().unwrap());
        let two = ["--role", "frontend", "--backend", "http://a:1", "--backend", "http://[::1]:2"];
        let Ok(Config::Frontend(frontend)) = config(&two) else { panic!() };
        assert_eq!(frontend.backends[1], Endpoint { host: "::1".into(), port: 2 });
    }

    #[test]
    fn the_store_goes_with_the_database() {
        let postgres = ["--database-url", "postgres://u@h/d"];
        let sqlite = ["--database-url", "sqlite:///tmp/x.db"];
        assert_eq!(backend(&postgres).unwrap().blobs, Blobs::Postgres);
        let folder = ["--blob-store", "file:///blobs"];
        assert_eq!(backend(&[postgres, folder].concat()).unwrap().blobs, Blobs::Folder("/blobs".into()));
        assert!(backend(&sqlite).unwrap_err().contains("--blob-store"));
        assert!(backend(&[sqlite, folder].concat()).is_ok());
        assert!(backend(&[]).unwrap_err().contains("--database-url"));
    }

    #[test]
    fn a_password_comes_out_of_a_file_without_its_line_end_and_never_into_a_log() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "se cret\n").unwrap();
        let path = file.path().to_str().unwrap();
        let config =
            backend(&["--database-url", "postgres://u@h/d", "--database-password-file", path]).unwrap();
        let Database::Postgres { password, .. } = &config.database else { panic!() };
        assert_eq!(password.as_deref(), Some("se cret"));
        assert!(!format!("{config:?}").contains("se cret"));
        let missing = ["--database-url", "postgres://u@h/d", "--database-password-file", "/no/such"];
        assert!(backend(&missing).unwrap_err().contains("/no/such"));
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        let origins = |values: &[&str]| {
            let options: Vec<&str> = values.iter().flat_map(|value| ["--cors-origin", value]).collect();
            config(&options).map(|config| match config {
                Config::Standalone(config) => config.common.cors_origins,
                other => panic!("{other:?}"),
            })
        };
        let these = |origins: &[&str]| Ok(Origins::These(origins.iter().map(|&o| o.to_owned()).collect()));
        assert_eq!(origins(&[]), these(&[]));
        assert_eq!(origins(&[""]), these(&[]));
        let two = ["https://A.Example:443,http://b.example:8080", "https://münchen.example/"];
        let printed = ["https://a.example", "http://b.example:8080", "https://xn--mnchen-3ya.example"];
        assert_eq!(origins(&two), these(&printed));
        assert_eq!(origins(&["https://a.example", "*"]), Ok(Origins::Any));
        for bad in [
            "null",
            "a.example",
            "ftp://a",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://*.a",
        ] {
            let error = origins(&["https://good.example", bad]).unwrap_err();
            assert!(error.contains("--cors-origin") && error.contains(&format!("'{bad}'")), "{error}");
        }
    }

    #[test]
    fn a_bad_value_names_the_option_the_value_and_what_is_allowed() {
        for (arguments, parts) in [
            (["--max-upload-size", "much"], ["--max-upload-size", "'much'", "10GiB"]),
            (["--memory-budget", "1MiB"], ["--memory-budget", "'1MiB'", "from 4MiB to 2GiB"]),
            (["--shutdown-grace", "0s"], ["--shutdown-grace", "'0s'", "30s"]),
            (["--cors-origin", "example.org"], ["--cors-origin", "'example.org'", "https://HOST"]),
            (["--upload-ttl", "never"], ["--upload-ttl", "'never'", "24h"]),
        ] {
            let error = config(&arguments).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
            assert!(!error.contains('\n'));
        }
        let error = config(&["--role", "frontend", "--backend", "ftp://x/"]).unwrap_err();
        assert!(error.contains("--backend") && error.contains("http://HOST:PORT"), "{error}");
    }
}

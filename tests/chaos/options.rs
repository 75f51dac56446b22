use crate::support::cluster::Store;
use std::time::Duration;

pub const USAGE: &str = "\
Usage: [--minutes N] [--seed S] [--store postgres|folder]

  --minutes N  how long faults go on; 0.15 unless said
  --seed S     chooses faults and contents; a random one unless said
  --store S    where bytes are kept: postgres (rows) or folder (files)";

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub time: Duration,
    pub seed: u64,
    pub store: Store,
}

/// What the command line asks for.
pub enum Asked {
    Run(Options),
    Help,
    /// `cargo test NAME` runs every test program with the name it looks for.
    AnotherTest,
}

impl Asked {
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            time: Duration::from_secs(9),
            // Short enough to be typed again.
            seed: u64::from(fastrand::u32(..)),
            store: Store::Postgres,
        };
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" => return Ok(Self::Help),
                "--minutes" => options.time = minutes(&value()?)?,
                "--seed" => {
                    options.seed =
                        value()?.parse().map_err(|_| "--seed must be a whole number".to_owned())?;
                }
                "--store" => options.store = store(&value()?)?,
                name if !name.starts_with('-') && !"chaos".contains(name) => return Ok(Self::AnotherTest),
                name if !name.starts_with('-') => {}
                unknown => return Err(format!("unknown option {unknown}")),
            }
        }
        Ok(Self::Run(options))
    }
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: Option<f64> = text.parse().ok().filter(|minutes| (0.0..=1000.0).contains(minutes));
    minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)).ok_or("--minutes must be a number".into())
}

fn store(text: &str) -> Result<Store, String> {
    match text {
        "postgres" => Ok(Store::Postgres),
        "folder" => Ok(Store::Local),
        _ => Err("--store must be postgres or folder".into()),
    }
}

impl Options {
    /// What to type for the same run.
    pub fn again(&self) -> String {
        let store = match self.store {
            Store::Postgres => "postgres",
            Store::Local => "folder",
        };
        let minutes = self.time.as_secs_f64() / 60.0;
        format!("scripts/chaos.sh --minutes {minutes} --seed {} --store {store}", self.seed)
    }
}

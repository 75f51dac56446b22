//! A row for each file, over as many connections as a pool usually has.

use postgres::{Client, Config, Error, NoTls, Statement};
use std::env;
use std::sync::{Condvar, Mutex};

const CONNECTIONS: usize = 16;

pub struct Pool {
    idle: Mutex<Vec<(Client, Statement)>>,
    returned: Condvar,
}

impl Pool {
    pub fn open() -> Result<Self, Error> {
        connect()?.batch_execute(
            "CREATE TABLE floor_files (id bigserial PRIMARY KEY, name text NOT NULL, size bigint NOT NULL, \
             sha256 text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())",
        )?;
        let ready = || {
            let mut client = connect()?;
            let insert =
                client.prepare("INSERT INTO floor_files (name, size, sha256) VALUES ($1, $2, $3)")?;
            Ok((client, insert))
        };
        let idle = (0..CONNECTIONS).map(|_| ready()).collect::<Result<_, Error>>()?;
        Ok(Self { idle: Mutex::new(idle), returned: Condvar::new() })
    }

    pub fn note(&self, name: &str, size: i64, digest: &str) -> Result<(), Error> {
        let idle = self.idle.lock().expect("nobody panics with it");
        let mut idle = self.returned.wait_while(idle, |idle| idle.is_empty()).expect("nobody panics with it");
        let (mut client, insert) = idle.pop().expect("it was waited for");
        drop(idle);
        let result = client.execute(&insert, &[&name, &size, &digest]);
        self.idle.lock().expect("nobody panics with it").push((client, insert));
        self.returned.notify_one();
        result.map(drop)
    }
}

/// To the database that the variables of libpq name.
pub fn connect() -> Result<Client, Error> {
    let variable = |name| env::var(name).unwrap_or_default();
    let mut config = Config::new();
    config.host(&variable("PGHOST")).user(&variable("PGUSER")).dbname(&variable("PGDATABASE"));
    config.port(variable("PGPORT").parse().unwrap_or(5432));
    config.connect(NoTls)
}

//! The power fails at any moment while clients upload: what they were told is stored is there afterwards.

mod clients;

use crate::support::lossy_disk::{LossyDisk, Surviving};
use crate::support::postgres::Database;
use crate::support::process::Process;
use clients::Acknowledged;
use std::path::Path;

const ROUNDS: u64 = 4;

#[test]
fn a_power_cut_takes_nothing_acknowledged_from_sqlite_and_a_folder() {
    for surviving in [Surviving::Nothing, Surviving::Some { seed: 1 }] {
        cut_again_and_again(surviving, |disk| {
            let data = disk.join("data");
            vec![Process::start("standalone", ["--data-dir".as_ref(), data.as_os_str()])]
        });
    }
}

#[test]
fn a_power_cut_takes_nothing_acknowledged_from_a_folder_beside_postgres() {
    for surviving in [Surviving::Nothing, Surviving::Some { seed: 2 }] {
        let database = Database::create();
        cut_again_and_again(surviving, |disk| {
            let folder = format!("file://{}", disk.join("blobs").display());
            let options = ["--role", "backend", "--database-url", &database.url, "--blob-store", &folder];
            vec![Process::start("backend 0", options), Process::start("backend 1", options)]
        });
    }
}

fn cut_again_and_again(surviving: Surviving, start: impl Fn(&Path) -> Vec<Process>) {
    let mut disk = LossyDisk::mount(surviving);
    let mut acknowledged = Acknowledged::default();
    for round in 0..ROUNDS {
        let mut replicas = start(&disk.path());
        replicas.iter().for_each(Process::wait_until_ready);
        acknowledged.assert_kept(&replicas[0].url);
        let urls: Vec<_> = replicas.iter().map(|replica| replica.url.clone()).collect();
        acknowledged = clients::upload_until(round, &urls, || replicas.iter_mut().for_each(Process::kill));
        disk.cut_power();
    }
    let replicas = start(&disk.path());
    replicas.iter().for_each(Process::wait_until_ready);
    acknowledged.assert_kept(&replicas[0].url);
    println!("{surviving:?}: {ROUNDS} power cuts, nothing acknowledged was lost");
}

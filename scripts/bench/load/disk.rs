//! Files written by many threads, without any server: the limit of the disk.

use crate::arguments::Arguments;
use crate::clients;
use crate::content::Content;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub fn run(arguments: &Arguments) -> Result<(), String> {
    let (folder, count, size) =
        (arguments.need::<String>("folder")?, arguments.or("count", 1)?, arguments.need("size")?);
    let sync = match arguments.or("sync", "none".to_owned())?.as_str() {
        "none" => nothing,
        "data" => data,
        "all" => all,
        "folder" => all_and_folder,
        other => return Err(format!("--sync {other}: none, data, all or folder")),
    };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).map_err(|problem| problem.to_string())?;
    let next = AtomicU64::new(0);
    clients::run(arguments.or("clients", 1)?, |_, outcome| {
        loop {
            let (number, begun) = (next.fetch_add(1, Ordering::Relaxed), Instant::now());
            if number >= count {
                break;
            }
            let written = File::create(folder.join(number.to_string())).and_then(|mut file| {
                Content { id: number }.write(&mut file, 0, size)?;
                sync(&file, folder)
            });
            match written {
                Ok(()) => {
                    outcome.succeeded(begun);
                    outcome.bytes += size;
                }
                Err(problem) => outcome.failed(problem),
            }
        }
    })
}

fn nothing(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

fn data(file: &File, _: &Path) -> io::Result<()> {
    file.sync_data()
}

fn all(file: &File, _: &Path) -> io::Result<()> {
    file.sync_all()
}

fn all_and_folder(file: &File, folder: &Path) -> io::Result<()> {
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

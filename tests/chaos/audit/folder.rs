use super::Finding;
use crate::Run;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Each file that some extent lies in, by its name, and how long it has to be.
const NEEDED: &str = "SELECT blob_id::text || '.' || epoch || ' ' || max(start_bytes + length_bytes) \
                      FROM extents GROUP BY blob_id, epoch";

pub fn findings(run: &Run) -> Vec<Finding> {
    // Files first: one that is made meanwhile is not taken for missing, nor one that is needed for stray.
    let files = files(run.site.folder.path());
    let needed: HashMap<String, u64> =
        run.site.postgres().texts(NEEDED).iter().map(|line| parse(line)).collect();
    let short = needed.iter().filter(|(name, length)| files.get(*name).is_none_or(|found| found < length));
    let stray = files.keys().filter(|name| !needed.contains_key(*name));
    let found = [
        Finding {
            what: "extents without their bytes",
            which: short.map(|(name, length)| format!("{name} up to {length}")).collect(),
            passing: false,
        },
        Finding { what: "files that no extent counts", which: stray.cloned().collect(), passing: true },
    ];
    found.into_iter().filter(|finding| !finding.which.is_empty()).collect()
}

fn parse(line: &str) -> (String, u64) {
    let (name, length) = line.split_once(' ').unwrap();
    (name.to_owned(), length.parse().unwrap())
}

fn files(folder: &Path) -> HashMap<String, u64> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            // Whose the folder is.
            false if name == ".catalog" => {}
            // One that is deleted meanwhile is not there.
            false => found.extend(entry.metadata().ok().map(|metadata| (name, metadata.len()))),
        }
    }
    found
}

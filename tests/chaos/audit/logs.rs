use crate::Run;
use crate::tally::Goal;
use std::fs;
use std::path::Path;

/// What a replica says on its way down is in the log too: an error is a defect, whatever the faults.
pub fn check(run: &Run, logs: &Path) {
    for member in run.site.members() {
        run.expect_alive(member);
    }
    for entry in fs::read_dir(logs).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name == "events.log" {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let errors = text.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked at"));
        for line in errors {
            run.tally.violated(Goal::NoError, format!("{name}: {line}"));
        }
    }
}

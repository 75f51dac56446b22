//! After the last fault: whether everything that clients were told is so, and nothing else is left.

mod database;
mod folder;
mod logs;
mod sharing;

use crate::Run;
use crate::clients::Client;
use crate::ledger::State;
use crate::site::UPLOAD_TTL;
use crate::support::cluster::Store;
use crate::tally::Goal;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// What the service may leave behind for a while must be gone in the end: uploads that nobody goes on with, bytes of deleted
/// uploads and of lost epochs. The store is looked through once in the time to live. That takes longest for bytes without a record:
/// they are seen by the next search, and deleted by the first one after two minutes more.
const SWEPT_WITHIN: Duration = Duration::from_secs(UPLOAD_TTL.as_secs() + 120 + UPLOAD_TTL.as_secs());

/// Something that is not as it should be in the database or the folder.
pub struct Finding {
    what: &'static str,
    which: Vec<String>,
    /// Whether the service may be about to put it in order.
    passing: bool,
}

pub fn audit(run: &Run, logs: &Path) {
    let mut auditor = Client::auditor(run);
    take_up_some(run, &mut auditor);
    check_uploads(run, &mut auditor);
    auditor.check_list();
    remove_parts(run, &mut auditor);
    check_stores(run);
    check_expired(run, &mut auditor);
    logs::check(run, logs);
}

/// How long an upload must still live for its client to be sure to go on in time.
const IN_TIME: Duration = Duration::from_secs(10);

/// Goes on with every second upload that was abandoned, if it lives long enough; the others are to expire.
fn take_up_some(run: &Run, auditor: &mut Client<'_>) {
    let abandoned = run.ledger.all().into_iter().filter(|(_, entry)| entry.state == State::Abandoned);
    for (id, entry) in abandoned.step_by(2) {
        // Each takes a while: asked only now.
        if entry.touched.elapsed() + IN_TIME < UPLOAD_TTL {
            auditor.take_up(&id, entry.content);
        }
    }
}

fn check_uploads(run: &Run, auditor: &mut Client<'_>) {
    let all = run.ledger.all();
    for (id, entry) in &all {
        match entry.state {
            State::Complete => {
                auditor.check_record(id);
                auditor.check_content(id, entry.content);
            }
            State::Removed | State::Expired => auditor.check_removed(id),
            State::Abandoned | State::Left => auditor.check_abandoned(id),
            State::Receiving | State::Removing => {
                run.tally.violated(Goal::NoneStuck, format!("{id} was left {:?}", entry.state));
            }
        }
    }
    run.note(format_args!("{} uploads are checked", all.len()));
}

fn remove_parts(run: &Run, auditor: &mut Client<'_>) {
    let left = run.ledger.all().into_iter().filter(|(_, entry)| entry.state == State::Left);
    left.for_each(|(id, _)| auditor.remove_part(&id));
}

/// To be asked once nothing is left to be swept.
fn check_expired(run: &Run, auditor: &mut Client<'_>) {
    let left = |state| matches!(state, State::Abandoned | State::Left);
    for (id, _) in run.ledger.all().into_iter().filter(|(_, entry)| left(entry.state)) {
        auditor.check_expired(&id);
    }
}

/// Looks at rows and files until nothing is left that should go by itself.
fn check_stores(run: &Run) {
    let deadline = Instant::now() + SWEPT_WITHIN;
    let findings = loop {
        let mut findings = database::findings(run);
        findings.extend(sharing::findings(run));
        if let Store::Local = run.site.store {
            findings.extend(folder::findings(run));
        }
        if findings.iter().all(|finding| !finding.passing) || Instant::now() > deadline {
            break findings;
        }
        thread::sleep(Duration::from_millis(500));
    };
    for Finding { what, which, .. } in findings {
        let told = format!("{} {what}: {}", which.len(), which[..which.len().min(5)].join(", "));
        run.tally.violated(Goal::NoOrphan, told);
    }
}

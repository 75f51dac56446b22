use super::Finding;
use crate::Run;
use std::collections::HashMap;

/// Each digest and length that is stored in more than one place, and in how many.
const STORED: &str = "SELECT encode(sha256, 'hex') || ' ' || count(DISTINCT places) FROM (
    SELECT u.sha256, u.length_bytes, array_agg(e.blob_id ORDER BY e.offset_bytes) AS places
    FROM uploads u JOIN extents e ON e.upload_id = u.id WHERE u.completed_at IS NOT NULL GROUP BY u.id) stored
  GROUP BY sha256, length_bytes HAVING count(DISTINCT places) > 1";

/// Equal content is stored once. What is joined of parts lies where they do, for its digest is known too late, and others
/// may share that; so each time that a content was sent in parts it may be in one place more.
pub fn findings(run: &Run) -> Option<Finding> {
    let mut allowed: HashMap<String, u64> = HashMap::new();
    for content in run.ledger.joined() {
        *allowed.entry(content.sha256()).or_insert(1) += 1;
    }
    let stored = run.site.postgres().texts(STORED);
    let too_often = stored.into_iter().filter(|line| {
        let (digest, count) = line.split_once(' ').unwrap();
        count.parse::<u64>().unwrap() > allowed.get(digest).copied().unwrap_or(1)
    });
    let which: Vec<_> = too_often.map(|line| format!("{line} times")).collect();
    let finding = Finding { what: "contents that are stored more than once", which, passing: false };
    (!finding.which.is_empty()).then_some(finding)
}

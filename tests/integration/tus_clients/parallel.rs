use super::{Edge, MIB, id_in};
use crate::support::api::{assert_stored, backends_of, record, tus};
use crate::support::content::Content;
use crate::support::tus_client::TusClient;
use crate::support::wait::until;
use std::collections::BTreeSet;

/// tuspy sends a file in one upload only.
#[test]
fn a_file_that_a_client_sends_in_four_parallel_parts_with_cuts_is_one_upload() {
    let edge = Edge::start_with_cuts();
    for client in TusClient::JAVASCRIPT {
        let content = Content::new(client as u64, 40 * MIB + 12_345);
        let before = edge.network.counts();
        let file = edge.file("in four parts.bin", content);
        let urls = client.upload(&edge.endpoint(), [&*file], &["--parallel", "4"]);
        let [url] = &urls[..] else { panic!("{client:?}: {urls:?}") };
        let known = until("the digest of the whole is known", || {
            Some(record(edge.url(), id_in(url))).filter(|record| record["sha256"].is_string())
        });
        assert_eq!(known["filename"], "in four parts.bin");
        assert_stored(edge.url(), id_in(url), content);
        let head = tus(edge.url(), "HEAD", &format!("/files/{}", id_in(url))).send().expect(200);
        let concat = head.field("Upload-Concat");
        let parts = concat.strip_prefix("final;").map(|urls| urls.split(' ').count());
        assert_eq!(parts, Some(4), "{client:?}: {concat}");
        let backends: BTreeSet<_> = backends_of(&known).into_iter().collect();
        assert!(backends.len() > 1, "{client:?}: {backends:?}");
        let cuts = edge.network.counts().faults - before.faults;
        assert!(cuts >= 4, "{client:?}: each part is longer than 8 MiB, and there were {cuts} cuts");
    }
}

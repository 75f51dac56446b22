use super::{Edge, MIB};
use crate::support::content::Content;
use crate::support::tus_client::TusClient;

/// tuspy always declares a length.
#[test]
fn a_client_that_learns_the_length_at_the_end_resumes_after_each_cut() {
    let edge = Edge::start_with_cuts();
    for client in TusClient::JAVASCRIPT {
        let content = Content::new(client as u64, 40 * MIB + 12_345);
        let before = edge.network.counts();
        let file = edge.file("stream", content);
        edge.upload(client, &file, content, &["--deferred", "--chunk-bytes", "10000000"]);
        let cuts = edge.network.counts().faults - before.faults;
        assert!(cuts >= 4, "{client:?}: {cuts} cuts");
    }
}

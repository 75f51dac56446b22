use super::{CUT_AFTER, Edge, MIB};
use crate::support::api::record;
use crate::support::content::Content;
use crate::support::tus_client::TusClient;

#[test]
fn a_client_whose_connection_is_cut_every_8_mib_resumes_to_the_end() {
    let edge = Edge::start_with_cuts();
    for client in TusClient::ALL {
        let content = Content::new(client as u64, 40 * MIB);
        let before = edge.network.counts();
        let file = edge.file("cut to pieces.bin", content);
        let id = edge.upload(client, &file, content, &[]);
        assert_eq!(record(edge.url(), &id)["filename"], "cut to pieces.bin");
        let cuts = edge.network.counts().faults - before.faults;
        assert!(cuts >= content.length / CUT_AFTER, "{client:?}: {cuts} cuts");
    }
}

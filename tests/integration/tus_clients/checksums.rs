use super::{Edge, MIB};
use crate::support::chaos::Fault;
use crate::support::content::Content;
use crate::support::tus_client::TusClient;
use crate::support::wire::Head;

fn with_checksum(head: &Head) -> bool {
    head.method() == "PATCH" && head.field("upload-checksum").is_some()
}

/// tuspy alone sends any: one with each chunk.
#[test]
fn a_client_that_sends_checksums_sends_chunks_again_that_were_cut() {
    const CUTS: u64 = 3;
    const SENT: u64 = 3 * MIB;
    let edge = Edge::start();
    let content = Content::new(1, 20 * MIB + 12_345);
    let file = edge.file("checked", content);
    edge.network.inject(CUTS as u32, with_checksum, Fault::CutRequest { after: SENT });
    let chunk = (4 * MIB).to_string();
    edge.upload(TusClient::Tuspy, &file, content, &["--checksum", "--chunk-bytes", &chunk]);
    let counts = edge.network.counts();
    assert_eq!(counts.faults, CUTS);
    // Bytes whose checksum did not come count for nothing.
    assert_eq!(counts.bytes_in, content.length + CUTS * SENT);
}

use super::{Edge, MIB};
use crate::support::api::tus;
use crate::support::content::Content;
use crate::support::tus_client::TusClient;

/// tuspy cannot.
#[test]
fn an_upload_that_a_client_terminates_before_its_end_is_gone() {
    let edge = Edge::start();
    for client in TusClient::JAVASCRIPT {
        let content = Content::new(1, 40 * MIB);
        let before = edge.network.counts();
        let file = edge.file("unwanted", content);
        let url = client.terminate(&edge.endpoint(), &file, MIB);
        let sent = edge.network.counts().bytes_in - before.bytes_in;
        assert!((1..content.length).contains(&sent), "{client:?} has sent {sent} bytes");
        let path = url.strip_prefix(&edge.network.url.0).unwrap();
        tus(edge.url(), "HEAD", path).send().expect(410);
        assert!(edge.uploads().is_empty(), "{client:?}: {:?}", edge.uploads());
    }
}

use super::{Edge, MIB};
use crate::support::api::{number, text};
use crate::support::chaos::{Fault, chunks};
use crate::support::content::Content;
use crate::support::tus_client::TusClient;
use crate::support::wait::until;

const SENT: u64 = 20 * MIB;

#[test]
fn a_client_that_was_killed_and_started_again_goes_on_with_its_stored_url() {
    let edge = Edge::start();
    for client in TusClient::ALL {
        let before = edge.network.counts();
        let content = Content::new(client as u64, 40 * MIB);
        let file = edge.file(&format!("{client:?}.bin"), content);
        let urls = edge.folder.path().join(format!("{client:?}.json"));
        let options = ["--urls", urls.to_str().unwrap()];
        edge.network.inject(1, chunks, Fault::HoldRequest { after: SENT });
        let mut process = client.start(&edge.endpoint(), &file, &options);
        let begun = until("all that came through is stored", || {
            assert_eq!(process.try_wait().unwrap(), None, "{client:?} has ended");
            edge.uploads().into_iter().find(|upload| number(upload, "received_bytes") == SENT)
        });
        process.kill().unwrap();
        process.wait().unwrap();
        // What the dead process had still on its way is lost with it.
        edge.network.reset();
        edge.network.release();
        let id = edge.upload(client, &file, content, &options);
        assert_eq!(id, text(&begun, "id"), "{client:?} goes on, and does not begin again");
        let sent = edge.network.counts().bytes_in - before.bytes_in;
        assert_eq!(sent, content.length, "{client:?} sends no byte twice");
    }
}

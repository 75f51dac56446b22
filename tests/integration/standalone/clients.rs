//! tus clients that others wrote.

use super::Service;
use crate::support::api::{assert_stored, record};
use crate::support::content::Content;
use crate::support::tus_client::TusClient;

#[test]
fn clients_that_others_wrote_upload_a_file_at_once_and_in_chunks() {
    let service = Service::start();
    let content = Content::new(1, 11_000_001);
    let file = service.folder.path().join("from a client.bin");
    content.write_to(&file);
    for client in TusClient::ALL {
        for options in [&[][..], &["--chunk-bytes", "4000000"]] {
            let urls = client.upload(&service.url().at("/files/"), [&*file], options);
            let [url] = &urls[..] else { panic!("{client:?}: {urls:?}") };
            let id = url.rsplit('/').next().unwrap();
            assert_stored(service.url(), id, content);
            assert_eq!(record(service.url(), id)["filename"], "from a client.bin");
        }
    }
}

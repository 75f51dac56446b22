//! tus clients that others wrote.

use super::Service;
use crate::support::api::assert_stored;
use crate::support::content::Content;
use crate::support::external::{tus_js_client, tuspy};
use std::path::Path;

fn round_trip(upload: impl Fn(&str, &Path, u64) -> String) {
    let service = Service::start();
    let content = Content::new(1, 11_000_001);
    let file = service.folder.path().join("from a client.bin");
    content.write_to(&file);
    for chunk_bytes in [content.length, 4_000_000] {
        let url = upload(&service.url().at("/files/"), &file, chunk_bytes);
        let id = url.rsplit('/').next().unwrap();
        assert_stored(service.url(), id, content);
        let record = service.url().get(&format!("/api/uploads/{id}")).send().json();
        assert_eq!(record["filename"], "from a client.bin");
    }
}

#[test]
fn tus_js_client_uploads_a_file() {
    round_trip(tus_js_client);
}

#[test]
fn tuspy_uploads_a_file() {
    round_trip(tuspy);
}

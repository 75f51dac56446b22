use super::{Sentences, create, created, each_role, extensions, head, patch};
use crate::support::api::tus;
use crate::support::service::Service;
use crate::support::wait::until;
use std::fs;
use std::path::Path;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "If this extension is supported by the Server, it MUST be announced by adding `termination` to \
         the `Tus-Extension` header.",
        "termination_is_announced",
    ),
    (
        "When receiving a `DELETE` request for an existing upload the Server SHOULD free associated \
         resources and MUST respond with the `204 No Content` status confirming that the upload was \
         terminated.",
        "a_terminated_upload_is_answered_with_204_and_frees_its_bytes",
    ),
    (
        "For all future requests to this URL, the Server SHOULD respond with the `404 Not Found` or `410 \
         Gone` status.",
        "requests_to_a_terminated_upload_are_answered_with_410",
    ),
];

/// "If this extension is supported by the Server, it MUST be announced by adding `termination` to the `Tus-Extension` header."
#[test]
fn termination_is_announced() {
    for service in each_role() {
        assert!(extensions(service.url()).contains(&"termination".to_owned()));
    }
}

fn count_files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|entry| if entry.is_dir() { count_files(&entry) } else { 1 }).sum()
}

/// "When receiving a `DELETE` request for an existing upload the Server SHOULD free associated resources and MUST respond with
/// the `204 No Content` status confirming that the upload was terminated."
///
/// "This extension defines a way for the Client to terminate completed and unfinished uploads".
#[test]
fn a_terminated_upload_is_answered_with_204_and_frees_its_bytes() {
    let service = Service::standalone(&[]);
    let blobs = service.folder.path().join("data/blobs");
    let before = count_files(&blobs);
    for sent in [b"abc".as_slice(), b"abcde"] {
        let upload = created(service.url(), &[("Upload-Length", "5")]);
        patch(service.url(), &upload, 0).send_body(sent).expect(204);
        assert!(count_files(&blobs) > before);
        let answer = tus(service.url(), "DELETE", &upload.path).send().expect(204);
        assert_eq!((answer.field("Tus-Resumable"), answer.body.len()), ("1.0.0", 0));
        until("its bytes are deleted", || (count_files(&blobs) == before).then_some(()));
    }
}

/// "For all future requests to this URL, the Server SHOULD respond with the `404 Not Found` or `410 Gone` status."
#[test]
fn requests_to_a_terminated_upload_are_answered_with_410() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "5")]);
        tus(at, "DELETE", &upload.path).send().expect(204);
        let answer = head(at, &upload).expect(410);
        assert_eq!(answer.head.field("Upload-Offset"), None);
        patch(at, &upload, 0).send_body(b"abc").expect(410);
        tus(at, "DELETE", &upload.path).send().expect(410);
        at.get(&upload.path).send().expect(410);
        create(at, &[("Upload-Length", "5")]).expect(201);
    }
}

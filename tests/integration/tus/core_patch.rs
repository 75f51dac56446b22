use super::{Sentences, created, each_role, head, patch};
use crate::support::api::{Tus, assert_stored, tus};
use crate::support::content::Content;
use crate::support::service::Service;
use crate::support::wait::until;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "The Server SHOULD accept `PATCH` requests against any upload URL and apply the bytes contained \
         in the message at the given offset specified by the `Upload-Offset` header.",
        "patch_applies_the_bytes_at_the_given_offset",
    ),
    (
        "All `PATCH` requests MUST use `Content-Type: application/offset+octet-stream`, otherwise the \
         server SHOULD return a `415 Unsupported Media Type` status.",
        "patch_of_another_content_type_or_none_is_415",
    ),
    (
        "The `Upload-Offset` header's value MUST be equal to the current offset of the resource.",
        "patch_at_another_offset_is_409_and_modifies_nothing",
    ),
    (
        "If the offsets do not match, the Server MUST respond with the `409 Conflict` status without \
         modifying the upload resource.",
        "patch_at_another_offset_is_409_and_modifies_nothing",
    ),
    (
        "The Server MUST acknowledge successful `PATCH` requests with the `204 No Content` status. It \
         MUST include the `Upload-Offset` header containing the new offset. The new offset MUST be the \
         sum of the offset before the `PATCH` request and the number of bytes received and processed or \
         stored during the current `PATCH` request.",
        "patch_is_acknowledged_with_204_and_the_new_offset",
    ),
    (
        "If the server receives a `PATCH` request against a non-existent resource it SHOULD return a `404 \
         Not Found` status.",
        "patch_of_what_does_not_exist_is_404",
    ),
    (
        "Both Client and Server, SHOULD attempt to detect and handle network errors predictably.",
        "what_was_received_before_a_network_error_is_stored_and_resumed_from",
    ),
    ("A timeout SHOULD be handled by closing the underlying connection.", "a_timeout_closes_the_connection"),
    (
        "The Server SHOULD always attempt to store as much of the received data as possible.",
        "what_was_received_before_a_network_error_is_stored_and_resumed_from",
    ),
];

/// "The Server SHOULD accept `PATCH` requests against any upload URL and apply the bytes contained in the message at the given
/// offset specified by the `Upload-Offset` header."
#[test]
fn patch_applies_the_bytes_at_the_given_offset() {
    for service in each_role() {
        let (at, content) = (service.url(), Content::new(1, 100_000));
        let upload = Tus::create(at, content.length);
        for range in [0..1, 1..40_000, 40_000..40_000, 40_000..100_000] {
            upload.append(at, content, range).unwrap().expect(204);
        }
        assert_stored(at, upload.id(), content);
    }
}

/// "All `PATCH` requests MUST use `Content-Type: application/offset+octet-stream`, otherwise the server SHOULD return a
/// `415 Unsupported Media Type` status."
#[test]
fn patch_of_another_content_type_or_none_is_415() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "3")]);
        for kind in [Some("text/plain"), Some("application/octet-stream"), None] {
            let request = tus(at, "PATCH", &upload.path).header("Upload-Offset", 0);
            let request = match kind {
                Some(kind) => request.header("Content-Type", kind),
                None => request,
            };
            request.send_body(b"abc").expect(415);
        }
        assert_eq!(upload.offset(at), 0);
        patch(at, &upload, 0).send_body(b"abc").expect(204);
    }
}

/// "The `Upload-Offset` header's value MUST be equal to the current offset of the resource." "If the offsets do not match, the
/// Server MUST respond with the `409 Conflict` status without modifying the upload resource."
#[test]
fn patch_at_another_offset_is_409_and_modifies_nothing() {
    for service in each_role() {
        let (at, content) = (service.url(), Content::new(2, 1000));
        let upload = Tus::create(at, content.length);
        upload.append(at, content, 0..500).unwrap().expect(204);
        for range in [0..100, 499..1000, 501..1000, 999..1000] {
            let refused = upload.append(at, Content::new(3, 1000), range).unwrap().expect(409);
            assert_eq!(refused.field("Upload-Offset"), "500");
        }
        assert_eq!(upload.offset(at), 500);
        upload.append(at, content, 500..1000).unwrap().expect(204);
        let refused = upload.append(at, Content::new(3, 1000), 0..1000).unwrap().expect(409);
        assert_eq!(refused.field("Upload-Offset"), "1000");
        assert_stored(at, upload.id(), content);
    }
}

/// "The Server MUST acknowledge successful `PATCH` requests with the `204 No Content` status. It MUST include the
/// `Upload-Offset` header containing the new offset. The new offset MUST be the sum of the offset before the `PATCH` request
/// and the number of bytes received and processed or stored during the current `PATCH` request."
#[test]
fn patch_is_acknowledged_with_204_and_the_new_offset() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "10")]);
        for (offset, body, sum) in [(0, "abc", "3"), (3, "", "3"), (3, "d", "4"), (4, "efghij", "10")] {
            let answer = patch(at, &upload, offset).send_body(body.as_bytes()).expect(204);
            assert_eq!(answer.field("Upload-Offset"), sum);
            assert_eq!(head(at, &upload).field("Upload-Offset"), sum);
        }
    }
}

/// "If the server receives a `PATCH` request against a non-existent resource it SHOULD return a `404 Not Found` status."
#[test]
fn patch_of_what_does_not_exist_is_404() {
    for service in each_role() {
        for id in ["01890a5d-ac96-774b-bcce-b302099a8057", "24e533e02ec3bc40c387f1a0e460e216"] {
            let upload = Tus { path: format!("/files/{id}") };
            patch(service.url(), &upload, 0).send_body(b"abc").expect(404);
        }
    }
}

/// "Both Client and Server, SHOULD attempt to detect and handle network errors predictably."
///
/// "The Server SHOULD always attempt to store as much of the received data as possible."
#[test]
fn what_was_received_before_a_network_error_is_stored_and_resumed_from() {
    for service in each_role() {
        let (at, content) = (service.url(), Content::new(4, 3_000_000));
        let upload = Tus::create(at, content.length);
        let mut exchange = upload.begin(at, 0, content.length);
        exchange.write(&content.bytes(0..1_234_567)).unwrap();
        until("what was sent is stored", || (upload.offset(at) == 1_234_567).then_some(()));
        exchange.reset();
        upload.append(at, content, 1_234_567..content.length).unwrap().expect(204);
        assert_stored(at, upload.id(), content);
    }
}

/// "A timeout SHOULD be handled by closing the underlying connection."
///
/// Here a head's; a body's is held by `a_client_that_sends_nothing_more_is_taken_for_gone`.
#[test]
fn a_timeout_closes_the_connection() {
    let service = Service::standalone(&[]);
    let upload = Tus::create(service.url(), 5);
    let unfinished = service.url().raw(format!("PATCH {} HTTP/1.1\r\nHost: a\r\nTus-Resum", upload.path));
    let said = String::from_utf8(unfinished.rest()).unwrap();
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
}

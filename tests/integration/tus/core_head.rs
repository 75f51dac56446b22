use super::{Sentences, created, each_role, head, patch};
use crate::support::api::tus;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "The Server MUST always include the `Upload-Offset` header in the response for a `HEAD` request, \
         even if the offset is `0`, or the upload is already considered completed.",
        "head_always_includes_the_offset",
    ),
    (
        "If the size of the upload is known, the Server MUST include the `Upload-Length` header in the \
         response.",
        "head_includes_the_length_once_it_is_known",
    ),
    (
        "If the resource is not found, the Server SHOULD return either the `404 Not Found`, `410 Gone` or \
         `403 Forbidden` status without the `Upload-Offset` header.",
        "head_of_what_is_not_found_has_no_offset",
    ),
    (
        "The Server MUST prevent the client and/or proxies from caching the response by adding the \
         `Cache-Control: no-store` header to the response.",
        "no_answer_to_head_is_cached",
    ),
];

/// "The Server MUST always include the `Upload-Offset` header in the response for a `HEAD` request, even if the offset is `0`,
/// or the upload is already considered completed."
#[test]
fn head_always_includes_the_offset() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "5")]);
        assert_eq!(head(at, &upload).expect(200).field("Upload-Offset"), "0");
        patch(at, &upload, 0).send_body(b"abc").expect(204);
        assert_eq!(head(at, &upload).expect(200).field("Upload-Offset"), "3");
        patch(at, &upload, 3).send_body(b"de").expect(204);
        assert_eq!(head(at, &upload).expect(200).field("Upload-Offset"), "5");
    }
}

/// "If the size of the upload is known, the Server MUST include the `Upload-Length` header in the response."
#[test]
fn head_includes_the_length_once_it_is_known() {
    for service in each_role() {
        let at = service.url();
        let known = created(at, &[("Upload-Length", "5")]);
        assert_eq!(head(at, &known).expect(200).field("Upload-Length"), "5");
        let deferred = created(at, &[("Upload-Defer-Length", "1")]);
        assert_eq!(head(at, &deferred).expect(200).head.field("Upload-Length"), None);
        patch(at, &deferred, 0).header("Upload-Length", 5).send_body(b"abc").expect(204);
        assert_eq!(head(at, &deferred).expect(200).field("Upload-Length"), "5");
    }
}

/// "If the resource is not found, the Server SHOULD return either the `404 Not Found`, `410 Gone` or `403 Forbidden` status
/// without the `Upload-Offset` header."
#[test]
fn head_of_what_is_not_found_has_no_offset() {
    for service in each_role() {
        let at = service.url();
        let removed = created(at, &[("Upload-Length", "5")]);
        tus(at, "DELETE", &removed.path).send().expect(204);
        let never = "/files/01890a5d-ac96-774b-bcce-b302099a8057";
        for (path, status) in [(never, 404), ("/files/24e533e0", 404), (removed.path.as_str(), 410)] {
            let answer = tus(at, "HEAD", path).send().expect(status);
            assert_eq!(answer.head.field("Upload-Offset"), None, "{:?}", answer.head);
        }
    }
}

/// "The Server MUST prevent the client and/or proxies from caching the response by adding the `Cache-Control: no-store` header
/// to the response."
#[test]
fn no_answer_to_head_is_cached() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "5")]);
        assert_eq!(head(at, &upload).expect(200).field("Cache-Control"), "no-store");
        tus(at, "DELETE", &upload.path).send().expect(204);
        assert_eq!(head(at, &upload).expect(410).field("Cache-Control"), "no-store");
        assert_eq!(tus(at, "HEAD", "/files/x").send().expect(404).field("Cache-Control"), "no-store");
    }
}

use super::{Sentences, created, each_role, extensions};

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "A successful response indicated by the `204 No Content` or `200 OK` status MUST contain the \
         `Tus-Version` header.",
        "options_says_the_version",
    ),
    (
        "The Client SHOULD NOT include the `Tus-Resumable` header in the request and the Server MUST \
         ignore the header.",
        "options_ignores_the_version_of_the_client",
    ),
    (
        "Feature detection SHOULD be achieved by the Client sending an `OPTIONS` request and the Server \
         responding with the `Tus-Extension` header.",
        "options_tells_the_extensions",
    ),
];

/// "A successful response indicated by the `204 No Content` or `200 OK` status MUST contain the `Tus-Version` header."
///
/// "It MAY include the `Tus-Extension` and `Tus-Max-Size` headers."
#[test]
fn options_says_the_version() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "5")]);
        for path in ["/files/", "/files", &upload.path] {
            let answer = at.request("OPTIONS", path).send().expect(200);
            assert_eq!((answer.field("Tus-Version"), answer.field("Tus-Resumable")), ("1.0.0", "1.0.0"));
            assert_eq!(answer.field("Tus-Max-Size"), (10_u64 << 30).to_string());
        }
    }
}

/// "The Client SHOULD NOT include the `Tus-Resumable` header in the request and the Server MUST ignore the header."
#[test]
fn options_ignores_the_version_of_the_client() {
    for service in each_role() {
        for version in ["1.0.0", "0.2.2", "nonsense", ""] {
            let answer = service.url().request("OPTIONS", "/files/").header("Tus-Resumable", version).send();
            assert_eq!(answer.expect(200).field("Tus-Version"), "1.0.0");
        }
    }
}

/// "Feature detection SHOULD be achieved by the Client sending an `OPTIONS` request and the Server responding with the
/// `Tus-Extension` header."
#[test]
fn options_tells_the_extensions() {
    for service in each_role() {
        assert!(!extensions(service.url()).is_empty());
    }
}

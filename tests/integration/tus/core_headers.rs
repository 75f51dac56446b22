use super::{Sentences, create, created, each_role, extensions, head, list, patch};
use crate::support::api::{Tus, assert_stored, tus};
use crate::support::client::{Answer, Request, Url};
use crate::support::content::Content;
use crate::support::service::Service;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "All Clients and Servers MUST implement the core protocol.",
        "an_interrupted_upload_is_resumed_at_its_offset",
    ),
    (
        "The `Upload-Offset` request and response header indicates a byte offset within a resource. The \
         value MUST be a non-negative integer.",
        "upload_offset_is_a_non_negative_integer",
    ),
    (
        "The `Upload-Length` request and response header indicates the size of the entire upload in \
         bytes. The value MUST be a non-negative integer.",
        "upload_length_is_a_non_negative_integer",
    ),
    (
        "The `Tus-Version` response header MUST be a comma-separated list of protocol versions supported \
         by the Server. The list MUST be sorted by Server's preference where the first one is the most \
         preferred one.",
        "tus_version_lists_the_versions_most_preferred_first",
    ),
    (
        "The `Tus-Resumable` header MUST be included in every request and response except for `OPTIONS` \
         requests. The value MUST be the version of the protocol used by the Client or the Server.",
        "tus_resumable_is_in_every_request_and_response",
    ),
    (
        "If the version specified by the Client is not supported by the Server, it MUST respond with the \
         `412 Precondition Failed` status and MUST include the `Tus-Version` header into the response. In \
         addition, the Server MUST NOT process the request.",
        "a_version_that_is_not_supported_is_answered_with_412_and_not_processed",
    ),
    (
        "The `Tus-Extension` response header MUST be a comma-separated list of the extensions supported \
         by the Server.",
        "tus_extension_lists_extensions_each_once",
    ),
    (
        "The `Tus-Max-Size` response header MUST be a non-negative integer indicating the maximum allowed \
         size of an entire upload in bytes. The Server SHOULD set this header if there is a known hard \
         limit.",
        "tus_max_size_is_the_limit_in_bytes",
    ),
    (
        "The `X-HTTP-Method-Override` request header MUST be a string which MUST be interpreted as the \
         request's method by the Server, if the header is presented. The actual method of the request \
         MUST be ignored.",
        "x_http_method_override_is_the_method_whatever_the_actual_one_is",
    ),
];

/// "All Clients and Servers MUST implement the core protocol."
///
/// The example of the text: an upload of 100 bytes that was interrupted after 70.
#[test]
fn an_interrupted_upload_is_resumed_at_its_offset() {
    for service in each_role() {
        let (at, content) = (service.url(), Content::new(1, 100));
        let upload = Tus::create(at, content.length);
        upload.append(at, content, 0..70).unwrap().expect(204);
        assert_eq!(head(at, &upload).expect(200).field("Upload-Offset"), "70");
        let answer = upload.append(at, content, 70..100).unwrap().expect(204);
        assert_eq!((answer.field("Tus-Resumable"), answer.field("Upload-Offset")), ("1.0.0", "100"));
        assert_stored(at, upload.id(), content);
    }
}

/// "The `Upload-Offset` request and response header indicates a byte offset within a resource. The value MUST be a non-negative
/// integer."
#[test]
fn upload_offset_is_a_non_negative_integer() {
    for service in each_role() {
        let at = service.url();
        let upload = Tus::create(at, 5);
        for offset in ["-1", "+1", "1.0", "0x0", "one", ""] {
            let request = tus(at, "PATCH", &upload.path).header("Upload-Offset", offset);
            request.header("Content-Type", "application/offset+octet-stream").send_body(b"abc").expect(400);
        }
        assert_eq!(head(at, &upload).field("Upload-Offset"), "0");
        assert_eq!(patch(at, &upload, 0).send_body(b"abc").field("Upload-Offset"), "3");
    }
}

/// "The `Upload-Length` request and response header indicates the size of the entire upload in bytes. The value MUST be a
/// non-negative integer."
#[test]
fn upload_length_is_a_non_negative_integer() {
    for service in each_role() {
        let at = service.url();
        for length in ["-1", "+1", "1.0", "0x0", "one", ""] {
            create(at, &[("Upload-Length", length)]).expect(400);
        }
        for length in ["0", "5"] {
            let upload = created(at, &[("Upload-Length", length)]);
            assert_eq!(head(at, &upload).expect(200).field("Upload-Length"), length);
        }
    }
}

/// "The `Tus-Version` response header MUST be a comma-separated list of protocol versions supported by the Server. The list
/// MUST be sorted by Server's preference where the first one is the most preferred one."
#[test]
fn tus_version_lists_the_versions_most_preferred_first() {
    for service in each_role() {
        let answer = service.url().request("OPTIONS", "/files/").send();
        assert_eq!(list(answer.field("Tus-Version")), ["1.0.0"]);
    }
}

/// One request of each kind, good and bad, but for `OPTIONS`.
fn one_of_each_kind(at: &Url) -> Vec<Answer> {
    let upload = Tus::create(at, 5);
    vec![
        create(at, &[("Upload-Length", "5")]).expect(201),
        create(at, &[]).expect(400),
        head(at, &upload).expect(200),
        patch(at, &upload, 0).send_body(b"abc").expect(204),
        patch(at, &upload, 0).send_body(b"abc").expect(409),
        tus(at, "PATCH", &upload.path).header("Upload-Offset", 3).send_body(b"de").expect(415),
        tus(at, "PUT", &upload.path).send_body(b"").expect(405),
        tus(at, "DELETE", &upload.path).send().expect(204),
        tus(at, "DELETE", &upload.path).send().expect(410),
        tus(at, "HEAD", "/files/unheard").send().expect(404),
        at.request("HEAD", &upload.path).send().expect(412),
    ]
}

/// "The `Tus-Resumable` header MUST be included in every request and response except for `OPTIONS` requests. The value MUST be
/// the version of the protocol used by the Client or the Server."
#[test]
fn tus_resumable_is_in_every_request_and_response() {
    for service in each_role() {
        for answer in one_of_each_kind(service.url()) {
            assert_eq!(answer.field("Tus-Resumable"), "1.0.0", "{:?}", answer.head);
        }
    }
}

/// Requests that would do something, in a version that is not spoken.
fn in_another_version(at: &Url, upload: &Tus, version: Option<&str>) -> Vec<Answer> {
    let speak = |method: &str, path: &str| {
        let request = at.request(method, path);
        match version {
            Some(version) => request.header("Tus-Resumable", version),
            None => request,
        }
    };
    let append = speak("PATCH", &upload.path).header("Content-Type", "application/offset+octet-stream");
    vec![
        speak("POST", "/files/").header("Upload-Length", 5).send_body(b""),
        speak("HEAD", &upload.path).send(),
        append.header("Upload-Offset", 0).send_body(b"abc"),
        speak("DELETE", &upload.path).send(),
    ]
}

/// "If the version specified by the Client is not supported by the Server, it MUST respond with the `412 Precondition Failed`
/// status and MUST include the `Tus-Version` header into the response. In addition, the Server MUST NOT process the request."
#[test]
fn a_version_that_is_not_supported_is_answered_with_412_and_not_processed() {
    for service in each_role() {
        let at = service.url();
        let upload = Tus::create(at, 5);
        for version in [Some("0.2.2"), Some("2.0.0"), None] {
            for answer in in_another_version(at, &upload, version) {
                assert_eq!(answer.expect(412).field("Tus-Version"), "1.0.0");
            }
        }
        assert_eq!(head(at, &upload).expect(200).field("Upload-Offset"), "0");
        let uploads = at.get("/api/uploads?state=all").send().expect(200).json();
        assert_eq!(uploads["uploads"].as_array().map(Vec::len), Some(1), "{uploads}");
    }
}

/// "The `Tus-Extension` response header MUST be a comma-separated list of the extensions supported by the Server."
///
/// The sections of the extensions check that each of them is there if it is announced, and announced if it is there.
#[test]
fn tus_extension_lists_extensions_each_once() {
    let known = [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "checksum-trailer",
        "termination",
        "concatenation",
        "concatenation-unfinished",
    ];
    for service in each_role() {
        let mut announced = extensions(service.url());
        assert!(announced.iter().all(|extension| known.contains(&extension.as_str())), "{announced:?}");
        let count = announced.len();
        announced.sort_unstable();
        announced.dedup();
        assert_eq!(announced.len(), count, "{announced:?}");
    }
}

/// "The `Tus-Max-Size` response header MUST be a non-negative integer indicating the maximum allowed size of an entire upload in
/// bytes. The Server SHOULD set this header if there is a known hard limit."
#[test]
fn tus_max_size_is_the_limit_in_bytes() {
    for service in Service::each(&["--max-upload-size", "1MiB"]) {
        let answer = service.url().request("OPTIONS", "/files/").send();
        assert_eq!(answer.field("Tus-Max-Size"), "1048576");
        create(service.url(), &[("Upload-Length", "1048576")]).expect(201);
        create(service.url(), &[("Upload-Length", "1048577")]).expect(413);
    }
}

/// "The `X-HTTP-Method-Override` request header MUST be a string which MUST be interpreted as the request's method by the
/// Server, if the header is presented. The actual method of the request MUST be ignored."
#[test]
fn x_http_method_override_is_the_method_whatever_the_actual_one_is() {
    for service in each_role() {
        let at = service.url();
        for actual in ["POST", "GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let send = |method: &str, path: &str| -> Request {
                tus(at, actual, path).header("X-HTTP-Method-Override", method)
            };
            let answer = send("POST", "/files/").header("Upload-Length", 3).send_body(b"").expect(201);
            let path = answer.field("Location");
            assert_eq!(send("HEAD", path).send().expect(200).field("Upload-Offset"), "0");
            let append = send("PATCH", path).header("Content-Type", "application/offset+octet-stream");
            append.header("Upload-Offset", 0).send_body(b"abc").expect(204);
            assert_eq!(send("GET", path).send().expect(200).body, b"abc");
            send("DELETE", path).send_body(b"").expect(204);
            assert_eq!(send("OPTIONS", path).send().expect(200).field("Tus-Version"), "1.0.0");
            send("HEAD", path).send().expect(410);
        }
    }
}

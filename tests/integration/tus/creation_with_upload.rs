use super::{Sentences, each_role, extensions, head};
use crate::support::api::{Tus, assert_stored, tus};
use crate::support::client::{Request, Url};
use crate::support::content::Content;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "If the Server supports this extension, it MUST advertise this by including \
         `creation-with-upload` in the `Tus-Extension` header.",
        "creation_with_upload_is_announced_together_with_creation",
    ),
    (
        "Therefore, if the Server does not offer the Creation extension, it MUST NOT offer the Creation \
         With Upload extension either.",
        "creation_with_upload_is_announced_together_with_creation",
    ),
    (
        "The Client MUST include the `Content-Type: application/offset+octet-stream` header.",
        "a_creation_with_bytes_of_another_content_type_is_415_and_creates_nothing",
    ),
    (
        "The Server SHOULD accept as many bytes as possible and MUST include the `Upload-Offset` header \
         in the response and MUST set its value to the offset of the upload after applying the accepted \
         bytes.",
        "a_creation_takes_all_bytes_and_says_the_offset_after_them",
    ),
    (
        "In addition, the Client SHOULD include the `Expect: 100-continue` header in the request to \
         receive early feedback from the Server on whether it will accept the creation request, before \
         attempting to transfer the first chunk.",
        "a_creation_that_is_not_accepted_is_answered_before_its_bytes_are_sent",
    ),
];

/// A creation of an upload of this length, of the right content type, whose body is still to be sent.
fn create_with(at: &Url, length: u64) -> Request {
    let request = tus(at, "POST", "/files/").header("Content-Type", "application/offset+octet-stream");
    request.header("Upload-Length", length)
}

/// "If the Server supports this extension, it MUST advertise this by including `creation-with-upload` in the `Tus-Extension`
/// header." "Therefore, if the Server does not offer the Creation extension, it MUST NOT offer the Creation With Upload
/// extension either."
#[test]
fn creation_with_upload_is_announced_together_with_creation() {
    for service in each_role() {
        let announced = extensions(service.url());
        for extension in ["creation-with-upload", "creation"] {
            assert!(announced.contains(&extension.to_owned()), "{announced:?}");
        }
    }
}

/// "The Client MUST include the `Content-Type: application/offset+octet-stream` header."
///
/// "In this case, similar rules as for the `PATCH` request and response apply."
#[test]
fn a_creation_with_bytes_of_another_content_type_is_415_and_creates_nothing() {
    for service in each_role() {
        let at = service.url();
        for kind in ["text/plain", "application/octet-stream"] {
            let request = tus(at, "POST", "/files/").header("Content-Type", kind);
            request.header("Upload-Length", 5).send_body(b"hello").expect(415);
        }
        let without = tus(at, "POST", "/files/").header("Upload-Length", 5);
        without.send_body(b"hello").expect(415);
        let uploads = at.get("/api/uploads?state=all").send().expect(200).json();
        assert_eq!(uploads["uploads"].as_array().map(Vec::len), Some(0), "{uploads}");
    }
}

/// "The Server SHOULD accept as many bytes as possible and MUST include the `Upload-Offset` header in the response and MUST set
/// its value to the offset of the upload after applying the accepted bytes."
#[test]
fn a_creation_takes_all_bytes_and_says_the_offset_after_them() {
    for service in each_role() {
        let (at, content) = (service.url(), Content::new(1, 3_000_000));
        for count in [0, 1, 1_234_567, content.length] {
            let answer = create_with(at, content.length).send_body(&content.bytes(0..count)).expect(201);
            assert_eq!(answer.field("Upload-Offset"), count.to_string());
            let upload = Tus { path: answer.field("Location").to_owned() };
            assert_eq!(head(at, &upload).expect(200).field("Upload-Offset"), count.to_string());
            upload.finish(at, content);
            assert_stored(at, upload.id(), content);
        }
    }
}

/// "In addition, the Client SHOULD include the `Expect: 100-continue` header in the request to receive early feedback from the
/// Server on whether it will accept the creation request, before attempting to transfer the first chunk."
///
/// The web framework says `100 Continue` to everybody; a refusal comes right behind it.
#[test]
fn a_creation_that_is_not_accepted_is_answered_before_its_bytes_are_sent() {
    for service in each_role() {
        let refused = create_with(service.url(), (10 << 30) + 1).header("Expect", "100-continue");
        refused.header("Content-Length", 5).begin().unwrap().answer().unwrap().expect(413);
        let mut accepted = create_with(service.url(), 5).header("Expect", "100-continue");
        accepted = accepted.header("Content-Length", 5);
        let mut exchange = accepted.begin().unwrap();
        let mut said = [0; 25];
        std::io::Read::read_exact(&mut exchange.stream, &mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
        exchange.write(b"hello").unwrap();
        assert_eq!(exchange.answer().unwrap().expect(201).field("Upload-Offset"), "5");
    }
}

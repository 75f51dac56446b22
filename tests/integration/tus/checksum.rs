use super::{Sentences, created, each_role, extensions, head, list, patch};
use crate::support::api::Tus;
use crate::support::client::{Answer, Url};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Digest;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    ("If supported, the Server MUST add `checksum` to the `Tus-Extension` header.", "checksum_is_announced"),
    (
        "A Server MUST support at least the SHA1 checksum algorithm identified by `sha1`.",
        "options_lists_the_algorithms_and_sha1_is_among_them",
    ),
    (
        "The names of the checksum algorithms MUST only consist of ASCII characters with the modification \
         that uppercase characters are excluded.",
        "options_lists_the_algorithms_and_sha1_is_among_them",
    ),
    (
        "The `Tus-Checksum-Algorithm` header MUST be included in the response to an `OPTIONS` request.",
        "options_lists_the_algorithms_and_sha1_is_among_them",
    ),
    (
        "The `Tus-Checksum-Algorithm` response header MUST be a comma-separated list of the checksum \
         algorithms supported by the server.",
        "options_lists_the_algorithms_and_sha1_is_among_them",
    ),
    (
        "The header MUST consist of the name of the used checksum algorithm and the Base64 encoded \
         checksum separated by a space.",
        "a_checksum_is_a_name_and_base64_or_the_answer_is_400",
    ),
    (
        "Once the entire request has been received, the Server MUST verify the uploaded chunk against the \
         provided checksum using the specified algorithm.",
        "bytes_whose_checksum_is_right_are_stored",
    ),
    (
        "In the case of mismatching checksums the uploaded chunk MUST be discarded, and the upload and \
         its offset MUST NOT be updated.",
        "bytes_whose_checksum_is_wrong_are_460_and_discarded",
    ),
    (
        "If the Server can handle trailers, this behavior MUST be announced by adding `checksum-trailer` \
         to the `Tus-Extension` header.",
        "a_checksum_in_a_trailer_is_not_announced",
    ),
];

/// Longer than a chunk of the relay, so that it cannot be held until its checksum is known.
const LONG: u64 = 5 * (1 << 20) + 3;

/// What `Upload-Checksum` says of some bytes, by each algorithm.
fn checksums(bytes: &[u8]) -> [String; 4] {
    let crc32 = crc32fast::hash(bytes).to_be_bytes();
    [
        format!("sha1 {}", STANDARD.encode(sha1::Sha1::digest(bytes))),
        format!("sha256 {}", STANDARD.encode(sha2::Sha256::digest(bytes))),
        format!("md5 {}", STANDARD.encode(md5::Md5::digest(bytes))),
        format!("crc32 {}", STANDARD.encode(crc32)),
    ]
}

fn send(at: &Url, upload: &Tus, offset: u64, checksum: &str, bytes: &[u8]) -> Answer {
    patch(at, upload, offset).header("Upload-Checksum", checksum).send_body(bytes)
}

fn content(seed: u64, length: u64) -> Vec<u8> {
    crate::support::content::Content::new(seed, length).all()
}

fn stored(at: &Url, upload: &Tus) -> Vec<u8> {
    at.get(&upload.path).send().expect(200).body
}

/// "If supported, the Server MUST add `checksum` to the `Tus-Extension` header."
#[test]
fn checksum_is_announced() {
    for service in each_role() {
        assert!(extensions(service.url()).contains(&"checksum".to_owned()));
    }
}

/// "A Server MUST support at least the SHA1 checksum algorithm identified by `sha1`." "The names of the checksum algorithms
/// MUST only consist of ASCII characters with the modification that uppercase characters are excluded." "The
/// `Tus-Checksum-Algorithm` header MUST be included in the response to an `OPTIONS` request." "The `Tus-Checksum-Algorithm`
/// response header MUST be a comma-separated list of the checksum algorithms supported by the server."
#[test]
fn options_lists_the_algorithms_and_sha1_is_among_them() {
    for service in each_role() {
        let answer = service.url().request("OPTIONS", "/files/").send();
        let algorithms = list(answer.field("Tus-Checksum-Algorithm"));
        assert!(algorithms.contains(&"sha1"));
        for algorithm in &algorithms {
            assert!(algorithm.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()));
        }
        let used: Vec<_> =
            checksums(b"").iter().map(|sum| sum.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(algorithms, used, "every one that is listed is tried below");
    }
}

/// "The header MUST consist of the name of the used checksum algorithm and the Base64 encoded checksum separated by a space."
#[test]
fn a_checksum_is_a_name_and_base64_or_the_answer_is_400() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "3")]);
        for bad in [
            "sha1",
            "sha1:qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
            "sha1 abc",
            "sha1 a9993e",
            "sha512 YWJj",
            "SHA1 YWJj",
        ] {
            send(at, &upload, 0, bad, b"abc").expect(400);
        }
        assert_eq!(upload.offset(at), 0);
        send(at, &upload, 0, "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", b"abc").expect(204);
    }
}

/// "Once the entire request has been received, the Server MUST verify the uploaded chunk against the provided checksum using
/// the specified algorithm."
#[test]
fn bytes_whose_checksum_is_right_are_stored() {
    for service in each_role() {
        let at = service.url();
        for (seed, length) in (1..).zip([0, 1, 100_000, LONG]) {
            let bytes = content(seed, length);
            for checksum in checksums(&bytes) {
                let upload = created(at, &[("Upload-Length", &(length + 3).to_string())]);
                patch(at, &upload, 0).send_body(b"abc").expect(204);
                let answer = send(at, &upload, 3, &checksum, &bytes).expect(204);
                assert_eq!(answer.field("Upload-Offset"), (length + 3).to_string());
                assert_eq!(stored(at, &upload), [b"abc", bytes.as_slice()].concat());
            }
        }
    }
}

/// "In the case of mismatching checksums the uploaded chunk MUST be discarded, and the upload and its offset MUST NOT be
/// updated."
#[test]
fn bytes_whose_checksum_is_wrong_are_460_and_discarded() {
    for service in each_role() {
        let at = service.url();
        for length in [1, 100_000, LONG] {
            let (bytes, other) = (content(1, length), content(2, length));
            for checksum in checksums(&bytes) {
                let upload = created(at, &[("Upload-Length", &(length + 3).to_string())]);
                patch(at, &upload, 0).send_body(b"abc").expect(204);
                send(at, &upload, 3, &checksum, &other).expect(460);
                let before = head(at, &upload).expect(200);
                assert_eq!(before.field("Upload-Offset"), "3");
                // Sent again, with or without a checksum, they are stored.
                match checksum.starts_with("sha") {
                    true => send(at, &upload, 3, &checksum, &bytes).expect(204),
                    false => patch(at, &upload, 3).send_body(&bytes).expect(204),
                };
                assert_eq!(stored(at, &upload), [b"abc", bytes.as_slice()].concat());
            }
        }
    }
}

/// "If the Server can handle trailers, this behavior MUST be announced by adding `checksum-trailer` to the `Tus-Extension`
/// header." It cannot, and does not say so; without the header no checksum is expected.
#[test]
fn a_checksum_in_a_trailer_is_not_announced() {
    for service in each_role() {
        assert!(!extensions(service.url()).contains(&"checksum-trailer".to_owned()));
    }
}

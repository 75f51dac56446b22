use super::{Sentences, create, created, each_role, extensions, head, patch};
use crate::support::api::{Tus, record, tus};
use crate::support::client::{Answer, Url};
use crate::support::content::Sum;
use crate::support::wait::until;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "If the Server supports this extension, it MUST add `concatenation` to the `Tus-Extension` \
         header.",
        "concatenation_is_announced",
    ),
    (
        "The Server SHOULD NOT process these partial uploads until they are concatenated to form a \
         final upload.",
        "a_partial_upload_is_not_taken_for_a_file",
    ),
    (
        "The length of the final upload MUST be the sum of the length of all partial uploads.",
        "the_length_of_a_final_upload_is_that_of_its_parts_as_soon_as_it_can_be_told",
    ),
    (
        "The value MUST be `final` followed by a semicolon and a space-separated list of the partial \
         upload URLs that need to be concatenated.",
        "a_final_upload_names_its_parts_by_urls",
    ),
    (
        "The partial uploads MUST be concatenated as per the order specified in the list.",
        "parts_are_joined_in_the_order_of_the_list",
    ),
    (
        "The Client MUST NOT include the `Upload-Length` header in the final upload creation.",
        "a_final_upload_that_declares_a_length_is_refused",
    ),
    (
        "The Client MAY send the concatenation request while the partial uploads are still in \
         progress. This feature MUST be explicitly announced by the Server by adding `concatenation-unfinished` \
         to the `Tus-Extension` header.",
        "uploads_that_are_still_in_progress_are_joined_when_they_are_complete",
    ),
    (
        "When creating a new final upload the partial uploads' metadata SHALL NOT be transferred to \
         the new final upload. All metadata SHOULD be included in the concatenation request using the \
         `Upload-Metadata` header.",
        "the_metadata_of_a_final_upload_is_its_own",
    ),
    (
        "The Server MAY delete partial uploads after concatenation. The Client, however, MAY attempt \
         to use a partial upload multiple times. The same partial upload MAY be present multiple \
         times in the `Upload-Concat` header in one upload creation request or MAY be used in \
         multiple upload creation requests.",
        "a_part_may_be_used_several_times_and_removed_afterwards",
    ),
    (
        "The Server MUST respond with the `403 Forbidden` status to `PATCH` requests against a final \
         upload URL and MUST NOT modify the final or its partial uploads.",
        "a_patch_to_a_final_upload_is_answered_with_403_and_changes_nothing",
    ),
    (
        "The response to a HEAD request for a final upload SHOULD NOT contain the `Upload-Offset` \
         header unless the concatenation has been successfully finished.",
        "a_final_upload_has_an_offset_once_it_is_joined_and_that_is_its_length",
    ),
    (
        "After successful concatenation, the `Upload-Offset` and `Upload-Length` MUST be set and \
         their values MUST be equal.",
        "a_final_upload_has_an_offset_once_it_is_joined_and_that_is_its_length",
    ),
    (
        "The response to a HEAD request for a partial upload MUST contain the `Upload-Offset` header.",
        "a_partial_upload_has_an_offset",
    ),
    (
        "The `Upload-Length` header MUST be included if the length of the final resource can be \
         calculated at the time of the request.",
        "the_length_of_a_final_upload_is_that_of_its_parts_as_soon_as_it_can_be_told",
    ),
    (
        "Response to `HEAD` request against partial or final upload MUST include the `Upload-Concat` \
         header and its value as received in the upload creation request.",
        "upload_concat_is_answered_as_it_was_received",
    ),
    (
        "The `Upload-Concat` request and response header MUST be set in both partial and final upload \
         creation requests.",
        "upload_concat_is_answered_as_it_was_received",
    ),
    (
        "The partial uploads URLs MAY be absolute or relative and MUST NOT contain spaces as defined \
         in RFC 3986.",
        "a_final_upload_names_its_parts_by_urls",
    ),
];

fn part(at: &Url, length: usize, sent: &[u8]) -> Tus {
    let upload = created(at, &[("Upload-Concat", "partial"), ("Upload-Length", &length.to_string())]);
    if !sent.is_empty() {
        patch(at, &upload, 0).send_body(sent).expect(204);
    }
    upload
}

fn whole(at: &Url, bytes: &[u8]) -> Tus {
    part(at, bytes.len(), bytes)
}

/// As `Upload-Concat` names them.
fn concat(parts: &[&Tus]) -> String {
    let urls: Vec<&str> = parts.iter().map(|part| part.path.as_str()).collect();
    format!("final;{}", urls.join(" "))
}

fn join(at: &Url, parts: &[&Tus]) -> Tus {
    created(at, &[("Upload-Concat", &concat(parts))])
}

fn content(at: &Url, upload: &Tus) -> Answer {
    at.get(&upload.path).send().expect(200)
}

/// "If the Server supports this extension, it MUST add `concatenation` to the `Tus-Extension` header."
#[test]
fn concatenation_is_announced() {
    for service in each_role() {
        assert!(extensions(service.url()).contains(&"concatenation".to_owned()));
    }
}

/// "The Server SHOULD NOT process these partial uploads until they are concatenated to form a final upload."
#[test]
fn a_partial_upload_is_not_taken_for_a_file() {
    for service in each_role() {
        let at = service.url();
        let (a, b) = (whole(at, b"hello"), part(at, 6, b" wo"));
        let listed = || at.get("/api/uploads").send().expect(200).json()["uploads"].take();
        assert_eq!(listed(), serde_json::json!([]));
        let all = at.get("/api/uploads?state=all").send().expect(200).json();
        assert_eq!(all["uploads"].as_array().unwrap().len(), 2);
        let joined = join(at, &[&a, &b]);
        patch(at, &b, 3).send_body(b"rld").expect(204);
        assert_eq!(listed()[0]["id"], joined.id());
    }
}

/// "The length of the final upload MUST be the sum of the length of all partial uploads."
///
/// "The `Upload-Length` header MUST be included if the length of the final resource can be calculated at the time of the request."
#[test]
fn the_length_of_a_final_upload_is_that_of_its_parts_as_soon_as_it_can_be_told() {
    for service in each_role() {
        let at = service.url();
        let (a, b) = (whole(at, b"hello"), part(at, 6, b""));
        let deferred = created(at, &[("Upload-Concat", "partial"), ("Upload-Defer-Length", "1")]);
        assert_eq!(head(at, &join(at, &[&a, &a])).expect(200).field("Upload-Length"), "10");
        assert_eq!(head(at, &join(at, &[&a, &b])).expect(200).field("Upload-Length"), "11");
        let untold = join(at, &[&a, &b, &deferred]);
        assert_eq!(head(at, &untold).expect(200).head.field("Upload-Length"), None);
        patch(at, &deferred, 0).header("Upload-Length", 4).send_body(b"x").expect(204);
        assert_eq!(head(at, &untold).expect(200).field("Upload-Length"), "15");
    }
}

/// "The value MUST be `final` followed by a semicolon and a space-separated list of the partial upload URLs that need to be
/// concatenated."
///
/// "The partial uploads URLs MAY be absolute or relative and MUST NOT contain spaces as defined in RFC 3986."
#[test]
fn a_final_upload_names_its_parts_by_urls() {
    for service in each_role() {
        let at = service.url();
        let (a, b) = (whole(at, b"hello"), whole(at, b" world"));
        for value in [
            format!("final;{} {}", a.path, b.path),
            format!("final;{} {}", at.at(&a.path), at.at(&b.path)),
            format!("final;https://uploads.example.org{} {}", a.path, b.path),
        ] {
            let joined = created(at, &[("Upload-Concat", &value)]);
            assert_eq!(content(at, &joined).body, b"hello world", "{value}");
        }
        let bad =
            ["final", "final;", "finale;/files/a", "partial;", "", "final;/files/a b"].map(String::from);
        for value in bad.into_iter().chain([format!("final;{},{}", a.path, b.path)]) {
            create(at, &[("Upload-Concat", &value)]).expect(400);
        }
        // What is named has to be a part that is there.
        let (ordinary, removed) = (created(at, &[("Upload-Length", "5")]), whole(at, b"x"));
        tus(at, "DELETE", &removed.path).send().expect(204);
        for (bad, code) in [(&ordinary, "not_a_part"), (&removed, "part_missing")] {
            let problem = create(at, &[("Upload-Concat", &concat(&[&a, bad]))]).expect(400).json();
            assert_eq!((&problem["code"], &problem["part"]), (&code.into(), &bad.id().into()));
        }
    }
}

/// "The partial uploads MUST be concatenated as per the order specified in the list."
#[test]
fn parts_are_joined_in_the_order_of_the_list() {
    for service in each_role() {
        let at = service.url();
        let (a, b, c) = (whole(at, b"one "), whole(at, b"two "), whole(at, b""));
        for (parts, expected) in
            [(&[&a, &b][..], "one two "), (&[&b, &a], "two one "), (&[&c, &b, &c, &a, &b], "two one two ")]
        {
            let joined = join(at, parts);
            assert_eq!(content(at, &joined).text(), expected);
            let known = || record(at, joined.id())["sha256"].as_str().map(str::to_owned);
            assert_eq!(until("the digest is known", known), Sum::of(expected.as_bytes()));
            assert!(content(at, &joined).head.field("Repr-Digest").is_some());
        }
    }
}

/// "The Client MUST NOT include the `Upload-Length` header in the final upload creation."
#[test]
fn a_final_upload_that_declares_a_length_is_refused() {
    for service in each_role() {
        let at = service.url();
        let a = whole(at, b"hello");
        for field in [("Upload-Length", "5"), ("Upload-Defer-Length", "1")] {
            let problem = create(at, &[("Upload-Concat", &concat(&[&a])), field]).expect(400).json();
            assert!(problem["detail"].as_str().unwrap().contains(field.0), "{problem}");
        }
        let request = tus(at, "POST", "/files/").header("Upload-Concat", concat(&[&a]));
        let request = request.header("Content-Type", "application/offset+octet-stream");
        request.send_body(b"hello").expect(400);
        let all = at.get("/api/uploads?state=all").send().expect(200).json();
        assert_eq!(all["uploads"].as_array().unwrap().len(), 1);
    }
}

/// "The Client MAY send the concatenation request while the partial uploads are still in progress. This feature MUST be explicitly
/// announced by the Server by adding `concatenation-unfinished` to the `Tus-Extension` header."
#[test]
fn uploads_that_are_still_in_progress_are_joined_when_they_are_complete() {
    for service in each_role() {
        let at = service.url();
        assert!(extensions(at).contains(&"concatenation-unfinished".to_owned()));
        let (a, b) = (part(at, 5, b"he"), part(at, 6, b""));
        let joined = join(at, &[&a, &b]);
        at.get(&joined.path).send().expect(409);
        patch(at, &b, 0).send_body(b" world").expect(204);
        assert_eq!(head(at, &joined).expect(200).head.field("Upload-Offset"), None);
        patch(at, &a, 2).send_body(b"llo").expect(204);
        assert_eq!(head(at, &joined).expect(200).field("Upload-Offset"), "11");
        assert_eq!(content(at, &joined).text(), "hello world");
    }
}

/// "When creating a new final upload the partial uploads' metadata SHALL NOT be transferred to the new final upload. All metadata
/// SHOULD be included in the concatenation request using the `Upload-Metadata` header."
#[test]
fn the_metadata_of_a_final_upload_is_its_own() {
    for service in each_role() {
        let at = service.url();
        let fields = [
            ("Upload-Concat", "partial"),
            ("Upload-Length", "0"),
            ("Upload-Metadata", "filename YQ==,a Yg=="),
        ];
        let a = created(at, &fields);
        let bare = join(at, &[&a]);
        assert_eq!(head(at, &bare).expect(200).head.field("Upload-Metadata"), None);
        assert_ne!(record(at, bare.id())["filename"], "a");
        let metadata = "filename Yi50eHQ=";
        let own = created(at, &[("Upload-Concat", &concat(&[&a])), ("Upload-Metadata", metadata)]);
        assert_eq!(head(at, &own).expect(200).field("Upload-Metadata"), metadata);
        assert_eq!(record(at, own.id())["filename"], "b.txt");
    }
}

/// "The Server MAY delete partial uploads after concatenation. The Client, however, MAY attempt to use a partial upload multiple
/// times. The same partial upload MAY be present multiple times in the `Upload-Concat` header in one upload creation request or MAY
/// be used in multiple upload creation requests."
#[test]
fn a_part_may_be_used_several_times_and_removed_afterwards() {
    for service in each_role() {
        let at = service.url();
        let (a, b) = (whole(at, b"hello"), whole(at, b" world"));
        let (joined, other) = (join(at, &[&a, &b, &a]), join(at, &[&b]));
        for part in [&a, &b] {
            tus(at, "DELETE", &part.path).send().expect(204);
        }
        assert_eq!(content(at, &joined).text(), "hello worldhello");
        tus(at, "DELETE", &joined.path).send().expect(204);
        assert_eq!(content(at, &other).text(), " world");
        // Before it is joined a part is still needed.
        let (c, d) = (whole(at, b"c"), part(at, 1, b""));
        let waiting = join(at, &[&c, &d]);
        tus(at, "DELETE", &c.path).send().expect(204);
        patch(at, &d, 0).send_body(b"d").expect(204);
        assert_eq!(head(at, &waiting).expect(200).head.field("Upload-Offset"), None);
    }
}

/// "The Server MUST respond with the `403 Forbidden` status to `PATCH` requests against a final upload URL and MUST NOT modify the
/// final or its partial uploads."
#[test]
fn a_patch_to_a_final_upload_is_answered_with_403_and_changes_nothing() {
    for service in each_role() {
        let at = service.url();
        let (a, b) = (whole(at, b"hello"), part(at, 6, b" wo"));
        for parts in [&[&a][..], &[&a, &b]] {
            let joined = join(at, parts);
            let before = record(at, joined.id());
            for offset in [0, 5, 77] {
                let problem = patch(at, &joined, offset).send_body(b"x").expect(403).json();
                assert_eq!(problem["code"], "final_upload");
                patch(at, &joined, offset).send_body(b"").expect(403);
            }
            let after = record(at, joined.id());
            for field in ["received_bytes", "size_bytes", "state", "concat", "segments"] {
                assert_eq!(after[field], before[field]);
            }
            assert_eq!(a.offset(at), 5);
            assert_eq!(b.offset(at), 3);
        }
    }
}

/// "The response to a HEAD request for a final upload SHOULD NOT contain the `Upload-Offset` header unless the concatenation has
/// been successfully finished."
///
/// "After successful concatenation, the `Upload-Offset` and `Upload-Length` MUST be set and their values MUST be equal."
#[test]
fn a_final_upload_has_an_offset_once_it_is_joined_and_that_is_its_length() {
    for service in each_role() {
        let at = service.url();
        let (a, b) = (whole(at, b"hello"), part(at, 6, b" wo"));
        let answer = create(at, &[("Upload-Concat", &concat(&[&a, &b]))]).expect(201);
        assert_eq!(answer.head.field("Upload-Offset"), None);
        let joined = Tus { path: answer.field("Location").to_owned() };
        assert_eq!(head(at, &joined).expect(200).head.field("Upload-Offset"), None);
        patch(at, &b, 3).send_body(b"rld").expect(204);
        for joined in [joined, join(at, &[&b, &a])] {
            let answer = head(at, &joined).expect(200);
            assert_eq!((answer.field("Upload-Offset"), answer.field("Upload-Length")), ("11", "11"));
        }
    }
}

/// "The response to a HEAD request for a partial upload MUST contain the `Upload-Offset` header."
#[test]
fn a_partial_upload_has_an_offset() {
    for service in each_role() {
        let at = service.url();
        let (a, b) = (whole(at, b"hello"), part(at, 6, b" wo"));
        join(at, &[&a, &b]);
        assert_eq!((a.offset(at), b.offset(at), part(at, 1, b"").offset(at)), (5, 3, 0));
    }
}

/// "Response to `HEAD` request against partial or final upload MUST include the `Upload-Concat` header and its value as received in
/// the upload creation request."
///
/// "The `Upload-Concat` request and response header MUST be set in both partial and final upload creation requests."
#[test]
fn upload_concat_is_answered_as_it_was_received() {
    for service in each_role() {
        let at = service.url();
        let a = whole(at, b"hello");
        let values = ["partial".to_owned(), format!("final;{}  https://example.org/some{}", a.path, a.path)];
        for value in values {
            let length = if value == "partial" { &[("Upload-Length", "1")][..] } else { &[] };
            let fields = [&[("Upload-Concat", value.as_str())], length].concat();
            let answer = create(at, &fields).expect(201);
            assert_eq!(answer.field("Upload-Concat"), value);
            let upload = Tus { path: answer.field("Location").to_owned() };
            assert_eq!(head(at, &upload).expect(200).field("Upload-Concat"), value);
        }
        let ordinary = created(at, &[("Upload-Length", "1")]);
        assert_eq!(head(at, &ordinary).expect(200).head.field("Upload-Concat"), None);
    }
}

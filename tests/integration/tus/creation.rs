use super::{Sentences, create, created, each_role, extensions, head, patch};
use crate::support::api::{Tus, assert_stored};
use crate::support::content::Content;
use crate::support::service::Service;

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
    (
        "The Client and the Server SHOULD implement the upload creation extension. If the Server supports \
         this extension, it MUST add `creation` to the `Tus-Extension` header.",
        "creation_is_announced",
    ),
    ("Its value MUST be `1`.", "upload_defer_length_is_1_or_the_answer_is_400"),
    (
        "If the length of an upload is not deferred, this header MUST be omitted.",
        "upload_defer_length_is_omitted_when_the_length_is_known",
    ),
    (
        "The `Upload-Metadata` request and response header MUST consist of one or more comma-separated \
         key-value pairs. The key and value MUST be separated by a space. The key MUST NOT contain spaces \
         and commas and MUST NOT be empty. The key SHOULD be ASCII encoded and the value MUST be Base64 \
         encoded. All keys MUST be unique.",
        "upload_metadata_is_a_list_of_unique_keys_with_base64_values",
    ),
    (
        "Since metadata can contain arbitrary binary values, Servers SHOULD carefully validate metadata \
         values or sanitize them before using them as header values to avoid header smuggling.",
        "metadata_smuggles_no_header_into_a_download",
    ),
    (
        "The request MUST include one of the following headers: a) `Upload-Length` to indicate the size \
         of an entire upload in bytes. b) `Upload-Defer-Length: 1` if upload size is not known at the \
         time.",
        "a_creation_says_its_length_or_defers_it",
    ),
    (
        "Once it is known the Client MUST set the `Upload-Length` header in the next `PATCH` request. \
         Once set the length MUST NOT be changed.",
        "a_deferred_length_is_set_by_a_patch_and_never_changed",
    ),
    (
        "As long as the length of the upload is not known, the Server MUST set `Upload-Defer-Length: 1` \
         in all responses to `HEAD` requests.",
        "head_says_that_the_length_is_deferred_while_it_is",
    ),
    (
        "If the `Upload-Defer-Length` header contains any other value than `1` the server should return a \
         `400 Bad Request` status.",
        "upload_defer_length_is_1_or_the_answer_is_400",
    ),
    (
        "If the Server supports deferring length, it MUST add `creation-defer-length` to the \
         `Tus-Extension` header.",
        "deferring_the_length_is_announced",
    ),
    (
        "If an upload contains additional metadata, responses to `HEAD` requests MUST include the \
         `Upload-Metadata` header and its value as specified by the Client during the creation.",
        "head_gives_the_metadata_back_as_it_was_given",
    ),
    (
        "If the length of the upload exceeds the maximum, which MAY be specified using the `Tus-Max-Size` \
         header, the Server MUST respond with the `413 Request Entity Too Large` status.",
        "a_length_past_the_maximum_is_413",
    ),
    (
        "The Server MUST acknowledge a successful upload creation with the `201 Created` status. The \
         Server MUST set the `Location` header to the URL of the created resource.",
        "a_creation_is_acknowledged_with_201_and_the_url",
    ),
];

/// "The Client and the Server SHOULD implement the upload creation extension. If the Server supports this extension, it MUST
/// add `creation` to the `Tus-Extension` header."
#[test]
fn creation_is_announced() {
    for service in each_role() {
        assert!(extensions(service.url()).contains(&"creation".to_owned()));
    }
}

/// "Its value MUST be `1`." "If the `Upload-Defer-Length` header contains any other value than `1` the server should return a
/// `400 Bad Request` status."
#[test]
fn upload_defer_length_is_1_or_the_answer_is_400() {
    for service in each_role() {
        create(service.url(), &[("Upload-Defer-Length", "1")]).expect(201);
        for value in ["0", "2", "01", "true", "-1", ""] {
            create(service.url(), &[("Upload-Defer-Length", value)]).expect(400);
        }
    }
}

/// "If the length of an upload is not deferred, this header MUST be omitted."
#[test]
fn upload_defer_length_is_omitted_when_the_length_is_known() {
    for service in each_role() {
        let at = service.url();
        let known = created(at, &[("Upload-Length", "5")]);
        assert_eq!(head(at, &known).expect(200).head.field("Upload-Defer-Length"), None);
        create(at, &[("Upload-Length", "5"), ("Upload-Defer-Length", "1")]).expect(400);
        let deferred = created(at, &[("Upload-Defer-Length", "1")]);
        patch(at, &deferred, 0).header("Upload-Length", 5).send_body(b"").expect(204);
        assert_eq!(head(at, &deferred).expect(200).head.field("Upload-Defer-Length"), None);
    }
}

/// "The `Upload-Metadata` request and response header MUST consist of one or more comma-separated key-value pairs. The key and
/// value MUST be separated by a space. The key MUST NOT contain spaces and commas and MUST NOT be empty. The key SHOULD be ASCII
/// encoded and the value MUST be Base64 encoded. All keys MUST be unique."
///
/// "The value MAY be empty. In these cases, the space, which would normally separate the key and the value, MAY be left out."
#[test]
fn upload_metadata_is_a_list_of_unique_keys_with_base64_values() {
    for service in each_role() {
        let give = |metadata| create(service.url(), &[("Upload-Length", "5"), ("Upload-Metadata", metadata)]);
        for good in
            ["a YQ==", "a YQ==,b Yg==", "a,b Yg==", "a ,b Yg==", "filename d29ybGQucGRm,is_confidential"]
        {
            give(good).expect(201);
        }
        for bad in [",", "a YQ==,", "a YQ==,,b", "a b YQ==", "a !", "a YQ==,a Yg==", "\u{e9} YQ=="] {
            give(bad).expect(400);
        }
    }
}

/// "Since metadata can contain arbitrary binary values, Servers SHOULD carefully validate metadata values or sanitize them
/// before using them as header values to avoid header smuggling."
#[test]
fn metadata_smuggles_no_header_into_a_download() {
    for service in each_role() {
        let at = service.url();
        // "a\r\nX-Smuggled: 1", and "text/html\r\nX-Smuggled: 1".
        let metadata = "filename YQ0KWC1TbXVnZ2xlZDogMQ==,filetype dGV4dC9odG1sDQpYLVNtdWdnbGVkOiAx";
        let upload = created(at, &[("Upload-Length", "0"), ("Upload-Metadata", metadata)]);
        let answer = at.get(&upload.path).send().expect(200);
        assert_eq!(answer.head.field("X-Smuggled"), None, "{:?}", answer.head);
        assert_eq!(answer.field("Content-Type"), "application/octet-stream");
    }
}

/// "The request MUST include one of the following headers: a) `Upload-Length` to indicate the size of an entire upload in
/// bytes. b) `Upload-Defer-Length: 1` if upload size is not known at the time."
#[test]
fn a_creation_says_its_length_or_defers_it() {
    for service in each_role() {
        create(service.url(), &[("Upload-Length", "5")]).expect(201);
        create(service.url(), &[("Upload-Defer-Length", "1")]).expect(201);
        create(service.url(), &[]).expect(400);
    }
}

/// "Once it is known the Client MUST set the `Upload-Length` header in the next `PATCH` request. Once set the length MUST NOT be
/// changed."
#[test]
fn a_deferred_length_is_set_by_a_patch_and_never_changed() {
    for service in each_role() {
        let (at, content) = (service.url(), Content::new(1, 1000));
        let upload = created(at, &[("Upload-Defer-Length", "1")]);
        upload.append(at, content, 0..400).unwrap().expect(204);
        let declare = |length: u64, offset: u64, body: &[u8]| {
            patch(at, &upload, offset).header("Upload-Length", length).send_body(body)
        };
        declare(1000, 400, &content.bytes(400..600)).expect(204);
        declare(1001, 600, &content.bytes(600..1000)).expect(400);
        assert_eq!(head(at, &upload).field("Upload-Length"), "1000");
        declare(1000, 600, &content.bytes(600..1000)).expect(204);
        assert_stored(at, upload.id(), content);
    }
}

/// "As long as the length of the upload is not known, the Server MUST set `Upload-Defer-Length: 1` in all responses to `HEAD`
/// requests."
#[test]
fn head_says_that_the_length_is_deferred_while_it_is() {
    for service in each_role() {
        let at = service.url();
        let upload = created(at, &[("Upload-Defer-Length", "1")]);
        assert_eq!(head(at, &upload).expect(200).field("Upload-Defer-Length"), "1");
        patch(at, &upload, 0).send_body(b"abc").expect(204);
        assert_eq!(head(at, &upload).expect(200).field("Upload-Defer-Length"), "1");
    }
}

/// "If the Server supports deferring length, it MUST add `creation-defer-length` to the `Tus-Extension` header."
#[test]
fn deferring_the_length_is_announced() {
    for service in each_role() {
        assert!(extensions(service.url()).contains(&"creation-defer-length".to_owned()));
    }
}

/// "If an upload contains additional metadata, responses to `HEAD` requests MUST include the `Upload-Metadata` header and its
/// value as specified by the Client during the creation."
#[test]
fn head_gives_the_metadata_back_as_it_was_given() {
    for service in each_role() {
        let at = service.url();
        for metadata in [
            "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential",
            "b Yg==, a YQ==",
            "bytes AAECA//+/Q==,padding YQ",
        ] {
            let upload = created(at, &[("Upload-Length", "5"), ("Upload-Metadata", metadata)]);
            assert_eq!(head(at, &upload).expect(200).field("Upload-Metadata"), metadata);
            patch(at, &upload, 0).send_body(b"abcde").expect(204);
            assert_eq!(head(at, &upload).expect(200).field("Upload-Metadata"), metadata);
        }
        let without = created(at, &[("Upload-Length", "5")]);
        assert_eq!(head(at, &without).expect(200).head.field("Upload-Metadata"), None);
    }
}

/// "If the length of the upload exceeds the maximum, which MAY be specified using the `Tus-Max-Size` header, the Server MUST
/// respond with the `413 Request Entity Too Large` status."
#[test]
fn a_length_past_the_maximum_is_413() {
    for service in Service::each(&["--max-upload-size", "1000000"]) {
        let at = service.url();
        create(at, &[("Upload-Length", "1000000")]).expect(201);
        create(at, &[("Upload-Length", "1000001")]).expect(413);
        let deferred = created(at, &[("Upload-Defer-Length", "1")]);
        patch(at, &deferred, 0).header("Upload-Length", 1_000_001).send_body(b"abc").expect(413);
        patch(at, &deferred, 0).send_body(&[7; 1_000_001]).expect(413);
    }
}

/// "The Server MUST acknowledge a successful upload creation with the `201 Created` status. The Server MUST set the `Location`
/// header to the URL of the created resource."
///
/// "The new resource has an implicit offset of `0` allowing the Client to use the core protocol for performing the actual
/// upload."
#[test]
fn a_creation_is_acknowledged_with_201_and_the_url() {
    for service in each_role() {
        let (at, content) = (service.url(), Content::new(2, 5));
        let answer = create(at, &[("Upload-Length", "5")]).expect(201);
        let upload = Tus { path: answer.field("Location").to_owned() };
        assert_eq!(head(at, &upload).expect(200).field("Upload-Offset"), "0");
        upload.append(at, content, 0..5).unwrap().expect(204);
        assert_stored(at, upload.id(), content);
    }
}

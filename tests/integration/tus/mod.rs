//! tus 1.0.0 to the letter: a file for each section of the protocol's text, a test for each MUST and SHOULD that binds a
//! server. [`SECTIONS`] says which test holds which sentence, and each test quotes what it holds.
//!
//! The files `core_…` are the parts of the section "Core Protocol". What binds clients only is not here, nor is what binds a
//! server without extensions.

mod checksum;
mod concatenation;
mod core_head;
mod core_headers;
mod core_options;
mod core_patch;
mod creation;
mod creation_with_upload;
mod expiration;
mod termination;

use crate::support::api::{Tus, tus};
use crate::support::client::{Answer, Request, Url};
use crate::support::service::Service;
use std::collections::HashMap;

/// A part of the text: its file's name, the file, and its sentences, each with the test that holds it.
type Section = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// In the order of the text.
const SECTIONS: &[Section] = &[
    (
        "core_headers",
        include_str!("core_headers.rs"),
        &[
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
        ],
    ),
    (
        "core_head",
        include_str!("core_head.rs"),
        &[
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
        ],
    ),
    (
        "core_patch",
        include_str!("core_patch.rs"),
        &[
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
            (
                "A timeout SHOULD be handled by closing the underlying connection.",
                "a_timeout_closes_the_connection",
            ),
            (
                "The Server SHOULD always attempt to store as much of the received data as possible.",
                "what_was_received_before_a_network_error_is_stored_and_resumed_from",
            ),
        ],
    ),
    (
        "core_options",
        include_str!("core_options.rs"),
        &[
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
        ],
    ),
    (
        "creation",
        include_str!("creation.rs"),
        &[
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
        ],
    ),
    (
        "creation_with_upload",
        include_str!("creation_with_upload.rs"),
        &[
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
        ],
    ),
    (
        "expiration",
        include_str!("expiration.rs"),
        &[
            (
                "In order to indicate this behavior to the Client, the Server MUST add `expiration` to the \
                 `Tus-Extension` header.",
                "expiration_is_announced",
            ),
            (
                "This header MUST be included in every `PATCH` response if the upload is going to expire.",
                "upload_expires_is_in_every_patch_response_until_the_upload_is_complete",
            ),
            (
                "If the expiration is known at the creation, the `Upload-Expires` header MUST be included in the \
                 response to the initial `POST` request.",
                "upload_expires_is_in_the_response_to_a_creation_unless_it_completes",
            ),
            (
                "If a Client does attempt to resume an upload which has since been removed by the Server, the \
                 Server SHOULD respond with the`404 Not Found` or `410 Gone` status. The latter one SHOULD be \
                 used if the Server is keeping track of expired uploads.",
                "an_expired_upload_is_removed_and_to_resume_it_is_410",
            ),
            (
                "The value of the `Upload-Expires` header MUST be in RFC 7231 datetime format.",
                "upload_expires_is_an_imf_fixdate",
            ),
        ],
    ),
    (
        "checksum",
        include_str!("checksum.rs"),
        &[
            (
                "If supported, the Server MUST add `checksum` to the `Tus-Extension` header.",
                "checksum_is_announced",
            ),
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
        ],
    ),
    (
        "termination",
        include_str!("termination.rs"),
        &[
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
        ],
    ),
    (
        "concatenation",
        include_str!("concatenation.rs"),
        &[
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
        ],
    ),
];

#[test]
fn each_sentence_is_quoted_by_the_test_that_is_said_to_hold_it() {
    for (section, source, sentences) in SECTIONS {
        let quoted = tests_of(source);
        for (sentence, test) in *sentences {
            let quotes = quoted.get(test).unwrap_or_else(|| panic!("{section}.rs has no test {test}"));
            assert!(quotes.contains(sentence), "{test} does not quote {sentence:?}, but: {quotes}");
        }
    }
}

/// The names of a file's tests, each with the comment above it on one line.
fn tests_of(source: &str) -> HashMap<&str, String> {
    let parts: Vec<&str> = source.split("\n#[test]\nfn ").collect();
    let tests = parts.windows(2).map(|pair| {
        let comment: Vec<&str> = pair[0].lines().rev().map_while(|line| line.strip_prefix("///")).collect();
        let words: Vec<&str> = comment.into_iter().rev().flat_map(str::split_whitespace).collect();
        (pair[1].split('(').next().unwrap_or_default(), words.join(" "))
    });
    tests.collect()
}

/// The values of a header that is a comma-separated list.
fn list(value: &str) -> Vec<&str> {
    value.split(',').map(str::trim).collect()
}

/// The extensions that the server announces.
fn extensions(at: &Url) -> Vec<String> {
    let answer = at.request("OPTIONS", "/files/").send();
    list(answer.field("Tus-Extension")).into_iter().map(str::to_owned).collect()
}

/// A creation with these fields and without a body.
fn create(at: &Url, fields: &[(&str, &str)]) -> Answer {
    let request = tus(at, "POST", "/files/");
    fields.iter().fold(request, |request, (name, value)| request.header(name, value)).send_body(b"")
}

/// A creation that succeeds.
fn created(at: &Url, fields: &[(&str, &str)]) -> Tus {
    Tus { path: create(at, fields).expect(201).field("Location").to_owned() }
}

/// The head of a `PATCH` at an offset, with the right content type.
fn patch(at: &Url, upload: &Tus, offset: u64) -> Request {
    let request = tus(at, "PATCH", &upload.path).header("Content-Type", "application/offset+octet-stream");
    request.header("Upload-Offset", offset)
}

fn head(at: &Url, upload: &Tus) -> Answer {
    tus(at, "HEAD", &upload.path).send()
}

/// A frontend over three backends, and a backend that clients reach directly.
fn each_role() -> [Service; 2] {
    Service::each(&[])
}

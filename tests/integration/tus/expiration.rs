use super::{Sentences, create, created, each_role, extensions, head, patch};
use crate::support::api::{Tus, tus};
use crate::support::client::Answer;
use crate::support::service::Service;
use crate::support::wait::until;
use std::time::{Duration, SystemTime};

/// What the text says here, and which test holds it.
pub(super) const SENTENCES: Sentences = &[
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
];

/// "In order to indicate this behavior to the Client, the Server MUST add `expiration` to the `Tus-Extension` header."
#[test]
fn expiration_is_announced() {
    for service in each_role() {
        assert!(extensions(service.url()).contains(&"expiration".to_owned()));
    }
}

/// When the upload expires, by the answer's header, counted from now.
fn expires_in(answer: &Answer) -> Duration {
    let at = httpdate::parse_http_date(answer.field("Upload-Expires")).unwrap();
    at.duration_since(SystemTime::now()).unwrap()
}

#[track_caller]
fn assert_about_an_hour(answer: &Answer) {
    let minutes = expires_in(answer).as_secs() / 60;
    assert!((55..=60).contains(&minutes), "{minutes}");
}

/// "This header MUST be included in every `PATCH` response if the upload is going to expire."
///
/// A complete upload does not expire. "Its value MAY change over time": each append puts it off.
#[test]
fn upload_expires_is_in_every_patch_response_until_the_upload_is_complete() {
    for service in Service::each(&["--upload-ttl", "1h"]) {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "5")]);
        for (offset, body) in [(0, "a"), (1, ""), (1, "bc")] {
            assert_about_an_hour(&patch(at, &upload, offset).send_body(body.as_bytes()).expect(204));
            assert_about_an_hour(&head(at, &upload).expect(200));
        }
        let last = patch(at, &upload, 3).send_body(b"de").expect(204);
        for answer in [last, head(at, &upload).expect(200)] {
            assert_eq!(answer.head.field("Upload-Expires"), None, "{:?}", answer.head);
        }
    }
}

/// "If the expiration is known at the creation, the `Upload-Expires` header MUST be included in the response to the initial
/// `POST` request."
#[test]
fn upload_expires_is_in_the_response_to_a_creation_unless_it_completes() {
    for service in Service::each(&["--upload-ttl", "1h"]) {
        let with = |length, body: &[u8]| {
            let request = tus(service.url(), "POST", "/files/").header("Upload-Length", length);
            request.header("Content-Type", "application/offset+octet-stream").send_body(body).expect(201)
        };
        for (length, body) in [(5, ""), (5, "abc")] {
            assert_about_an_hour(&with(length, body.as_bytes()));
        }
        assert_about_an_hour(&create(service.url(), &[("Upload-Defer-Length", "1")]));
        for (length, body) in [(0, ""), (3, "abc")] {
            let complete = with(length, body.as_bytes());
            assert_eq!(complete.head.field("Upload-Expires"), None, "{:?}", complete.head);
        }
    }
}

/// "If a Client does attempt to resume an upload which has since been removed by the Server, the Server SHOULD respond with
/// the`404 Not Found` or `410 Gone` status. The latter one SHOULD be used if the Server is keeping track of expired uploads."
#[test]
fn an_expired_upload_is_removed_and_to_resume_it_is_410() {
    for service in Service::each(&["--upload-ttl", "1s"]) {
        let at = service.url();
        let upload = created(at, &[("Upload-Length", "5")]);
        // At once: begun before, it could have expired before it is complete.
        let request = tus(at, "POST", "/files/").header("Upload-Length", 3);
        let request = request.header("Content-Type", "application/offset+octet-stream");
        let complete = Tus { path: request.send_body(b"abc").expect(201).field("Location").to_owned() };
        let seen = until("the upload has expired", || {
            let answer = head(at, &upload);
            assert!([200, 410].contains(&answer.status), "{:?}", answer.head);
            (answer.status == 410).then_some(answer)
        });
        assert_eq!(seen.head.field("Upload-Offset"), None);
        patch(at, &upload, 0).send_body(b"abcde").expect(410);
        head(at, &complete).expect(200);
    }
}

/// "The value of the `Upload-Expires` header MUST be in RFC 7231 datetime format."
///
/// Of the formats there, the one that is to be generated: IMF-fixdate.
#[test]
fn upload_expires_is_an_imf_fixdate() {
    for service in each_role() {
        let at = service.url();
        let answer = create(at, &[("Upload-Length", "5")]).expect(201);
        let upload = Tus { path: answer.field("Location").to_owned() };
        for answer in [&answer, &patch(at, &upload, 0).send_body(b"abc"), &head(at, &upload)] {
            let said = answer.field("Upload-Expires");
            let read = httpdate::parse_http_date(said).unwrap();
            assert_eq!(httpdate::fmt_http_date(read), said);
        }
    }
}

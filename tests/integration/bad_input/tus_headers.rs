use super::{Target, problem};
use crate::support::api::{Tus, text, tus};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[test]
fn another_version_or_none_is_412_and_names_ours() {
    for target in Target::each() {
        let upload = Tus::create(target.url(), 3);
        for (method, path) in
            [("POST", "/files/"), ("PATCH", &upload.path), ("HEAD", &upload.path), ("DELETE", &upload.path)]
        {
            for version in [
                None,
                Some(""),
                Some("0.2.2"),
                Some("1.0"),
                Some("1.0.0, 0.2.2"),
                Some("99999999999999999999"),
            ] {
                let request =
                    target.request(method, path).header("Upload-Length", 3).header("Upload-Offset", 0);
                let request = version
                    .map_or(target.request(method, path), |version| request.header("Tus-Resumable", version));
                let answer = request.send();
                assert_eq!((answer.field("Tus-Version"), answer.field("Tus-Resumable")), ("1.0.0", "1.0.0"));
                match method {
                    "HEAD" => drop(answer.expect(412)),
                    _ => drop(problem(answer, 412, "unsupported_tus_version")),
                }
            }
        }
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn another_content_type_or_none_is_415_and_names_the_right_one() {
    for target in Target::each() {
        let upload = Tus::create(target.url(), 3);
        for kind in [
            None,
            Some(""),
            Some("application/octet-stream"),
            Some("text/plain"),
            Some("application/offset+octet-stream2"),
        ] {
            for (method, path) in [("PATCH", upload.path.as_str()), ("POST", "/files/")] {
                let request =
                    tus(target.url(), method, path).header("Upload-Offset", 0).header("Upload-Length", 3);
                let request = match kind {
                    Some(kind) => request.header("Content-Type", kind),
                    None => request,
                };
                let said = problem(request.send_body(b"abc"), 415, "unsupported_media_type");
                assert!(text(&said, "detail").contains("application/offset+octet-stream"), "{said}");
            }
        }
        assert_eq!(upload.offset(target.url()), 0);
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn a_length_that_makes_no_sense_is_400() {
    for target in Target::each() {
        let cases: &[&[(&str, &str)]] = &[
            &[],
            &[("Upload-Length", "")],
            &[("Upload-Length", "-1")],
            &[("Upload-Length", "+1")],
            &[("Upload-Length", "1.5")],
            &[("Upload-Length", "ten")],
            &[("Upload-Length", "9223372036854775808")],
            &[("Upload-Length", "99999999999999999999999999999999")],
            &[("Upload-Length", "1"), ("Upload-Length", "2")],
            &[("Upload-Length", "1"), ("Upload-Defer-Length", "1")],
            &[("Upload-Defer-Length", "0")],
            &[("Upload-Defer-Length", "2")],
            &[("Upload-Defer-Length", "true")],
            &[("Upload-Defer-Length", "")],
            &[("Upload-Defer-Length", "1"), ("Upload-Defer-Length", "1")],
        ];
        for fields in cases {
            let request = tus(target.url(), "POST", "/files/");
            let request = fields.iter().fold(request, |request, (name, value)| request.header(name, value));
            let said = problem(request.send_body(b""), 400, "bad_header");
            assert!(text(&said, "detail").starts_with("Upload-"), "{fields:?}: {said}");
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn bad_metadata_is_400_and_too_much_of_it_too() {
    for target in Target::each() {
        let long = format!("filename {}", STANDARD.encode([b'x'; 20_000]));
        for metadata in [
            ",",
            "filename %%%",
            "filename YQ==,",
            "filename YQ== YQ==",
            "filename YQ==,filename Yg==",
            "a  YQ==",
            "f\u{ef}lename YQ==",
            &long,
            &"a,".repeat(5000),
        ] {
            let request = tus(target.url(), "POST", "/files/").header("Upload-Length", 3);
            let said = problem(request.header("Upload-Metadata", metadata).send_body(b""), 400, "bad_header");
            assert!(text(&said, "detail").starts_with("Upload-Metadata: "), "{metadata:.40}: {said}");
        }
        let twice = tus(target.url(), "POST", "/files/").header("Upload-Length", 3);
        let twice = twice.header("Upload-Metadata", "a YQ==").header("Upload-Metadata", "b YQ==");
        problem(twice.send_body(b""), 400, "bad_header");
        target.assert_unharmed(&[]);
    }
}

#[test]
fn metadata_of_any_bytes_comes_back_as_it_was_sent() {
    for target in Target::each() {
        let any = STANDARD.encode((0..=255).collect::<Vec<u8>>());
        let metadata =
            format!("filename {any},x {any},empty,filetype {}", STANDARD.encode("text/html\r\nX-Evil: 1"));
        let request = tus(target.url(), "POST", "/files/").header("Upload-Length", 0);
        let created = request.header("Upload-Metadata", &metadata).send_body(b"").expect(201);
        let path = created.field("Location").to_owned();
        assert_eq!(tus(target.url(), "HEAD", &path).send().expect(200).field("Upload-Metadata"), metadata);
        let content = target.url().get(&path).send().expect(200);
        assert_eq!(
            (content.field("Content-Type"), content.head.field("X-Evil")),
            ("application/octet-stream", None)
        );
        tus(target.url(), "DELETE", &path).send().expect(204);
        target.assert_unharmed(&[]);
    }
}

#[test]
fn an_overridden_method_that_is_none_is_400_or_405() {
    for target in Target::each() {
        let upload = Tus::create(target.url(), 3);
        let overridden =
            |method: &str| tus(target.url(), "POST", &upload.path).header("X-HTTP-Method-Override", method);
        problem(overridden("no method").send_body(b""), 400, "bad_header");
        for method in ["BREW", "TRACE", "CONNECT", "PUT", "patch"] {
            problem(overridden(method).send_body(b""), 405, "method_not_allowed");
        }
        assert_eq!(upload.offset(target.url()), 0);
        target.assert_unharmed(&["test.bin"]);
    }
}

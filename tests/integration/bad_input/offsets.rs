use super::{MIB, Target, problem};
use crate::support::api::{Tus, assert_stored, content_path, put, text, tus};
use crate::support::client::Request;
use crate::support::content::Content;
use crate::support::wire::{Framing, write_end, write_piece};

const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn patch(target: &Target, path: &str, offset: impl ToString) -> Request {
    let request = tus(target.url(), "PATCH", path).header("Upload-Offset", offset);
    request.header("Content-Type", "application/offset+octet-stream")
}

#[test]
fn a_wrong_offset_is_409_with_the_right_one() {
    for target in Target::each() {
        let content = Content::new(1, 1000);
        let upload = Tus::create(target.url(), content.length);
        upload.append(target.url(), content, 0..400).unwrap().expect(204);
        for offset in [0, 399, 401, 1000, 1001, 10 * MIB, i64::MAX as u64] {
            let answer = patch(&target, &upload.path, offset).send_body(b"abc");
            assert_eq!(answer.field("Upload-Offset"), "400", "{offset}");
            assert_eq!(problem(answer, 409, "wrong_offset")["offset"], 400);
        }
        upload.finish(target.url(), content);
        assert_stored(target.url(), upload.id(), content);
        let answer = patch(&target, &upload.path, 1000).send_body(b"abc");
        assert_eq!(answer.field("Upload-Offset"), "1000");
        problem(answer, 409, "complete");
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn an_offset_that_is_no_number_is_400() {
    for target in Target::each() {
        let upload = Tus::create(target.url(), 1000);
        for offset in
            ["", "-1", "+0", "0x0", "1e3", "zero", "0 0", "9223372036854775808", "99999999999999999999"]
        {
            let said = problem(patch(&target, &upload.path, offset).send_body(b"abc"), 400, "bad_header");
            assert!(text(&said, "detail").starts_with("Upload-Offset: "), "{said}");
        }
        let request = tus(target.url(), "PATCH", &upload.path)
            .header("Content-Type", "application/offset+octet-stream");
        problem(request.send_body(b"abc"), 400, "bad_header");
        let twice = patch(&target, &upload.path, 0).header("Upload-Offset", 0);
        problem(twice.send_body(b"abc"), 400, "bad_header");
        assert_eq!(upload.offset(target.url()), 0);
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn bytes_past_the_length_are_413_and_the_upload_goes_on() {
    for target in Target::each() {
        let content = Content::new(2, 1000);
        let upload = Tus::create(target.url(), content.length);
        // Declared: refused by the head alone.
        let declared = patch(&target, &upload.path, 0).header("Content-Length", 1001).begin().unwrap();
        assert_eq!(problem(declared.answer().unwrap(), 413, "past_the_end")["length"], 1000);
        let mut exchange =
            patch(&target, &upload.path, 0).header("Transfer-Encoding", "chunked").begin().unwrap();
        write_piece(&mut exchange.stream, Framing::Chunked, &[1; 1001]).unwrap();
        write_end(&mut exchange.stream, Framing::Chunked).unwrap();
        problem(exchange.answer().unwrap(), 413, "past_the_end");
        assert_eq!(upload.offset(target.url()), 0);
        upload.finish(target.url(), content);
        assert_stored(target.url(), upload.id(), content);
        let longer = tus(target.url(), "POST", "/files/").header("Upload-Length", 2);
        let longer = longer.header("Content-Type", "application/offset+octet-stream").send_body(b"abc");
        problem(longer, 413, "past_the_end");
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn a_known_length_cannot_be_changed() {
    for target in Target::each() {
        let created = tus(target.url(), "POST", "/files/").header("Upload-Defer-Length", 1).send_body(b"");
        let upload = Tus { path: created.expect(201).field("Location").to_owned() };
        let with_length =
            |length: u64, offset: u64| patch(&target, &upload.path, offset).header("Upload-Length", length);
        with_length(6, 0).send_body(b"abc").expect(204);
        assert_eq!(problem(with_length(7, 3).send_body(b"def"), 400, "length_known")["length"], 6);
        assert_eq!(upload.offset(target.url()), 3);
        with_length(6, 3).send_body(b"def").expect(204);
        assert_eq!(target.url().get(&content_path(upload.id())).send().expect(200).body, b"abcdef");
        target.assert_unharmed(&["unnamed"]);
    }
}

#[test]
fn a_length_below_what_is_there_is_refused() {
    for target in Target::each() {
        let created = tus(target.url(), "POST", "/files/").header("Upload-Defer-Length", 1).send_body(b"");
        let upload = Tus { path: created.expect(201).field("Location").to_owned() };
        patch(&target, &upload.path, 0).send_body(b"abcdef").expect(204);
        let less = patch(&target, &upload.path, 6).header("Upload-Length", 3).send_body(b"");
        problem(less, 413, "past_the_end");
        assert_eq!(upload.offset(target.url()), 6);
        target.assert_unharmed(&["unnamed"]);
    }
}

#[test]
fn what_is_not_there_is_404_and_what_was_removed_is_410_in_every_way() {
    for target in Target::each() {
        let removed = text(&put(target.url(), "a", Content::new(3, 10)), "id").to_owned();
        target.request("DELETE", &format!("/api/uploads/{removed}")).send().expect(204);
        let upper = UNKNOWN.to_uppercase();
        let ids = [
            "x",
            "0",
            "-1",
            "..%2f..",
            "%00",
            "%ff",
            "%",
            &upper,
            &UNKNOWN.replace('-', ""),
            &"9".repeat(9000),
        ];
        let cases = ids.into_iter().chain([UNKNOWN]).map(|id| (id, 404, "not_found"));
        for (id, status, code) in cases.chain([(removed.as_str(), 410, "gone")]) {
            let record = format!("/api/uploads/{id}");
            let tus_path = format!("/files/{id}");
            problem(target.url().get(&record).send(), status, code);
            problem(target.url().get(&content_path(id)).send(), status, code);
            problem(target.url().get(&tus_path).send(), status, code);
            problem(target.request("DELETE", &record).send(), status, code);
            problem(tus(target.url(), "DELETE", &tus_path).send(), status, code);
            problem(patch(&target, &tus_path, 0).send_body(b"abc"), status, code);
            assert_eq!(tus(target.url(), "HEAD", &tus_path).send().status, status, "{id}");
        }
        target.assert_unharmed(&[]);
    }
}

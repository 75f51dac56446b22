use super::{LIMIT, MIB, Target, problem};
use crate::support::api::{content_path, text};
use crate::support::client::{Answer, Request, Url};
use crate::support::content::Content;
use crate::support::multipart::form;
use serde_json::Value;

const TYPE: &str = "multipart/form-data; boundary=XX";
const FILE: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n";

fn post(at: &Url) -> Request {
    at.request("POST", "/api/uploads").header("Content-Type", TYPE)
}

fn part(head: &str, content: &str) -> String {
    format!("--XX\r\n{head}\r\n{content}\r\n")
}

#[test]
fn a_broken_form_is_400_and_leaves_nothing() {
    let file = part(FILE, "abc");
    let folded = FILE.replace("; filename", ";\r\n filename");
    let nested = format!("{FILE}Content-Type: multipart/mixed; boundary=YY\r\n");
    let cases = [
        ("empty", String::new(), "body_cut_short"),
        ("no boundary at all", "abc".repeat(100_000), "body_cut_short"),
        ("another boundary", "--YY\r\n\r\nabc\r\n--YY--\r\n".into(), "body_cut_short"),
        ("no end", file.clone(), "body_cut_short"),
        ("half an end", format!("{file}--X"), "body_cut_short"),
        ("an end without its dashes", format!("{file}--XX"), "body_cut_short"),
        ("an end with one dash", format!("{file}--XX-"), "body_cut_short"),
        ("ends in a head", format!("--XX\r\n{FILE}"), "body_cut_short"),
        ("a head of 1 MiB", format!("--XX\r\n{FILE}{}", "X: y\r\n".repeat(170_000)), "bad_body"),
        ("a header of 1 MiB", format!("--XX\r\n{FILE}X: {}", "y".repeat(1 << 20)), "bad_body"),
        ("no head", part("", "abc") + "--XX--", "bad_body"),
        ("no disposition", part("Content-Type: text/plain\r\n", "abc") + "--XX--", "bad_body"),
        ("not form-data", part(&FILE.replace("form-data", "attachment"), "abc") + "--XX--", "bad_body"),
        ("no name", part(&FILE.replace(" name=\"file\";", ""), "abc") + "--XX--", "bad_body"),
        ("no header", part("nonsense\r\n", "abc") + "--XX--", "bad_body"),
        ("a folded header", part(&folded, "abc") + "--XX--", "bad_body"),
        ("nested", part(&nested, "--YY\r\n\r\nabc\r\n--YY--") + "--XX--", "bad_body"),
        ("bare line feeds", file.replace("\r\n", "\n") + "--XX--\n", "body_cut_short"),
        ("nothing but an end", "--XX--\r\n".into(), "no_file"),
    ];
    for target in Target::each() {
        for (case, body, code) in &cases {
            let answer = post(target.url()).send_body(body.as_bytes());
            assert_eq!(answer.status, 400, "{case}: {:?}", answer.head);
            problem(answer, 400, code);
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn a_form_without_a_usable_boundary_is_400() {
    let target = Target::standalone();
    let long = format!("multipart/form-data; boundary={}", "x".repeat(60_000));
    for kind in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary", &long]
    {
        let request = target.request("POST", "/api/uploads").header("Content-Type", kind);
        let said = problem(request.send_body(b"--\r\n\r\nabc\r\n----\r\n"), 400, "bad_body");
        assert!(text(&said, "detail").contains("boundary"), "{said}");
    }
    let twice = post(target.url()).header("Content-Type", "multipart/form-data; boundary=YY");
    problem(twice.send_body(b"--XX--"), 415, "unsupported_media_type");
    target.assert_unharmed(&[]);
}

#[test]
fn a_form_that_comes_byte_by_byte_is_a_form() {
    let target = Target::standalone();
    let contents: [&[u8]; 3] = [b"\r\n----a-boundary-that-occurs-", b"", b"\r\r\n--\r"];
    let files = [("a", contents[0]), ("b", contents[1]), ("c", contents[2])];
    let (content_type, body) = form(&files);
    let request = target.request("POST", "/api/uploads").header("Content-Type", content_type);
    let mut exchange = request.header("Content-Length", body.len()).begin().unwrap();
    for byte in body {
        exchange.write(&[byte]).unwrap();
    }
    assert_contents(target.url(), &exchange.answer().unwrap().expect(201), &contents);
    target.assert_unharmed(&["a", "b", "c"]);
}

#[test]
fn a_delimiter_may_be_cut_over_packets_anywhere() {
    let target = Target::standalone();
    let content = Content::new(3, 100).all();
    let (content_type, body) = form(&[("a", &content)]);
    let end = body.len() - 1;
    for cut in end - 60..end {
        let request = target.request("POST", "/api/uploads").header("Content-Type", content_type.as_str());
        let mut exchange = request.header("Content-Length", body.len()).begin().unwrap();
        exchange.write(&body[..cut]).unwrap();
        // The answer to another request says that the first part has arrived alone.
        target.url().get("/healthz").send().expect(200);
        exchange.write(&body[cut..]).unwrap();
        let answer = exchange.answer().unwrap().expect(201);
        assert_contents(target.url(), &answer, &[&content]);
        let id = text(&answer.json()["uploads"][0], "id").to_owned();
        target.request("DELETE", &format!("/api/uploads/{id}")).send().expect(204);
    }
    target.assert_unharmed(&[]);
}

#[test]
fn a_file_ends_at_a_whole_delimiter_line_and_not_where_its_head_says() {
    let target = Target::standalone();
    let lying = format!("{FILE}Content-Length: 3\r\n");
    let almost = "abc\r\n--XXY\r\nmore";
    let body = part(&lying, "abcdefg") + &part(FILE, almost) + "--XX--\r\n";
    let answer = post(target.url()).send_body(body.as_bytes()).expect(201);
    assert_contents(target.url(), &answer, &[b"abcdefg", almost.as_bytes()]);
    target.assert_unharmed(&["a", "a"]);
}

#[test]
fn ten_thousand_parts_are_read_past() {
    for target in Target::each() {
        let text_field = part("Content-Disposition: form-data; name=\"note\"\r\n", "hello");
        let nothing_chosen = part("Content-Disposition: form-data; name=\"f\"; filename=\"\"\r\n", "");
        let many = (text_field + &nothing_chosen).repeat(10_000);
        problem(post(target.url()).send_body(format!("{many}--XX--").as_bytes()), 400, "no_file");
        let with_a_file = format!("{many}{}--XX--", part(FILE, "abc"));
        let answer = post(target.url()).send_body(with_a_file.as_bytes()).expect(201);
        assert_contents(target.url(), &answer, &[b"abc"]);
        target.assert_unharmed(&["a"]);
    }
}

#[test]
fn files_before_a_failing_one_stay_and_the_problem_names_it() {
    for target in Target::each() {
        let big = Content::new(5, LIMIT + 1).all();
        let (content_type, body) = form(&[("first", b"abc"), ("../big", &big), ("never", b"x")]);
        let request = target.request("POST", "/api/uploads").header("Content-Type", content_type);
        let said = problem(request.send_body(&body), 413, "too_large");
        assert_eq!((&said["file"], &said["limit"]), (&"big".into(), &LIMIT.into()), "{said}");
        target.assert_unharmed(&["first"]);
    }
}

#[test]
fn broken_forms_give_back_the_memory_of_what_they_held() {
    let target = Target::standalone();
    let body = part(FILE, &"x".repeat(MIB as usize + 300_000));
    for _ in 0..12 {
        problem(post(target.url()).send_body(body.as_bytes()), 400, "body_cut_short");
    }
    target.assert_unharmed(&[]);
}

#[track_caller]
fn assert_contents(at: &Url, answer: &Answer, contents: &[&[u8]]) {
    let json: Value = answer.json();
    let uploads = json["uploads"].as_array().unwrap();
    assert_eq!(uploads.len(), contents.len(), "{json}");
    for (upload, content) in uploads.iter().zip(contents) {
        let stored = at.get(&content_path(text(upload, "id"))).send().expect(200);
        assert_eq!(stored.body, *content);
    }
}

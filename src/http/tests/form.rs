use crate::http::testing::{Answer, Server};
use crate::replica::Role;
use actix_multipart::Multipart;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;

const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=XX");

fn server() -> Server {
    Server::start(Role::Frontend)
}

fn file(filename: &str, content: &str) -> String {
    format!(
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; {filename}\r\nContent-Type: text/x-test\r\n\r\n{content}\r\n"
    )
}

fn post(server: &Server, target: &str, parts: &str) -> Answer {
    server.request("POST", target, &[FORM], format!("{parts}--XX--\r\n").as_bytes())
}

fn names(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let uploads = json["uploads"].as_array().unwrap();
    uploads.iter().map(|record| record["filename"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_file_of_a_form_is_an_upload() {
    let server = server();
    let text = "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n";
    let parts = [&file("filename=\"a.txt\"", "abc"), text, &file("filename=\"b.txt\"", "")].concat();
    let answer = post(&server, "/api/uploads", &parts);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(names(&answer), ["a.txt", "b.txt"]);
    let records = &answer.json()["uploads"];
    assert_eq!((&records[0]["size_bytes"], &records[1]["size_bytes"]), (&3.into(), &0.into()));
    assert_eq!(records[0]["content_type"], "text/x-test");
    assert_eq!(records[1]["state"], "complete");
    assert_eq!(server.get(records[0]["url"].as_str().unwrap(), &[]).body, b"abc");
}

#[test]
fn names_are_read_as_browsers_and_clients_write_them() {
    let server = server();
    for (parameter, shown) in [
        ("filename=\"文件.txt\"", "文件.txt"),
        ("filename=\"a%22b.txt\"", "a\"b.txt"),
        ("filename=\"100%.txt\"", "100%.txt"),
        ("filename=\"C:\\\\dir\\\\a.txt\"", "a.txt"),
        ("filename=\"../../a.txt\"", "a.txt"),
        ("filename=\"_.txt\"; filename*=utf-8''%C3%A9.txt", "é.txt"),
        ("filename=plain.txt", "plain.txt"),
    ] {
        assert_eq!(names(&post(&server, "/api/uploads", &file(parameter, "x"))), [shown], "{parameter}");
    }
}

#[test]
fn a_form_without_a_file_is_400() {
    let server = server();
    let text = "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n";
    // What a browser sends where no file was chosen.
    for parts in [text, "", &file("filename=\"\"", "")] {
        post(&server, "/api/uploads", parts).problem(400, "no_file");
    }
    assert!(server.memory.look().uploads.is_empty());
}

#[test]
fn a_nameless_part_with_bytes_is_a_file() {
    let server = server();
    assert_eq!(names(&post(&server, "/api/uploads", &file("filename=\"\"", "abc"))), ["unnamed"]);
    assert_eq!(server.memory.look().uploads.values().next().unwrap().1, b"abc");
}

#[test]
fn another_content_type_is_415() {
    let server = server();
    for kind in ["application/json", "multipart/mixed; boundary=XX", "nonsense"] {
        let answer = server.request("POST", "/api/uploads", &[("Content-Type", kind)], b"--XX--\r\n");
        answer.problem(415, "unsupported_media_type");
    }
    server.request("POST", "/api/uploads", &[], b"").problem(415, "unsupported_media_type");
}

#[test]
fn a_malformed_form_is_400() {
    let server = server();
    let no_boundary = [("Content-Type", "multipart/form-data")];
    server.request("POST", "/api/uploads", &no_boundary, b"x").problem(400, "bad_body");
    let bad_part = "--XX\r\nContent-Disposition: attachment; filename=\"a\"\r\n\r\nabc\r\n";
    post(&server, "/api/uploads", bad_part).problem(400, "bad_body");
}

#[test]
fn files_before_a_failing_one_stay_and_the_problem_names_it() {
    let server = server();
    let parts = [file("filename=\"good\"", "abc"), file("filename=\"huge\"", &"x".repeat(100_001))].concat();
    let problem = post(&server, "/api/uploads", &parts).problem(413, "too_large");
    assert_eq!((&problem["file"], &problem["limit"]), (&"huge".into(), &100_000.into()));
    let store = server.memory.look();
    let left: Vec<_> = store.uploads.values().map(|(upload, _)| upload.filename.as_str()).collect();
    assert_eq!(left, ["good"]);
}

#[test]
fn the_limit_is_for_each_file() {
    let server = server();
    let content = "x".repeat(60_000);
    let parts = [file("filename=\"a\"", &content), file("filename=\"b\"", &content)].concat();
    assert_eq!(post(&server, "/api/uploads", &parts).status, 201);
}

#[test]
fn an_interrupted_form_leaves_nothing_of_the_file_it_was_in() {
    let server = server();
    for (round, orderly) in [(1, true), (2, false)] {
        let mut connection = server.connect();
        connection.send_head("POST", "/api/uploads", &[FORM, ("Content-Length", "1000")]);
        connection.send(file("filename=\"first\"", "abc").as_bytes());
        connection.send(file("filename=\"second\"", &"d".repeat(200)).as_bytes());
        drop(server.memory.until(|store| {
            store
                .uploads
                .values()
                .any(|(upload, _)| upload.filename.as_str() == "second" && upload.offset > 0)
        }));
        match orderly {
            true => {
                connection.finish();
                let problem = connection.read("POST").problem(400, "body_cut_short");
                assert_eq!(problem["file"], "second");
            }
            false => connection.reset(),
        }
        let store = server.memory.until(|store| store.removed.len() == round);
        assert!(store.uploads.values().all(|(upload, _)| upload.filename.as_str() == "first"));
        assert_eq!(store.uploads.len(), round);
    }
}

#[test]
fn a_form_that_ends_without_its_last_boundary_is_cut_short() {
    let server = server();
    let parts = file("filename=\"a\"", "abc");
    let answer = server.request("POST", "/api/uploads", &[FORM], parts.as_bytes());
    answer.problem(400, "body_cut_short");
    assert!(server.memory.look().uploads.is_empty());
}

type File = (String, Vec<u8>);

/// A sound form, as actix-multipart reads it when it comes in such pieces.
async fn as_actix_reads(form: Vec<u8>, piece: usize) -> Vec<File> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM.1));
    let pieces: Vec<Result<Bytes, PayloadError>> =
        form.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let mut form = Multipart::new(&headers, stream::iter(pieces));
    let mut files = Vec::new();
    while let Some(field) = form.next().await {
        let field = field.unwrap();
        let name = field.content_disposition().unwrap().get_filename().unwrap().to_owned();
        files.push((name, field.try_collect::<Vec<Bytes>>().await.unwrap().concat()));
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Of what both take for sound, with whatever looks like the beginnings of delimiters inside.
    #[test]
    fn a_sound_form_is_read_as_another_reader_reads_it(
        contents in vec(vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()], 0..300), 1..5),
        piece in 1usize..200,
    ) {
        let files: Vec<File> = (0..).zip(contents).map(|(n, content): (u32, _)| (format!("{n}.bin"), content)).collect();
        let mut form = Vec::new();
        for (name, content) in &files {
            form.extend(file(&format!("filename=\"{name}\""), "").trim_end_matches("\r\n").bytes());
            form.extend(b"\r\n\r\n");
            form.extend(content);
            form.extend(b"\r\n");
        }
        form.extend(b"--XX--\r\n");
        let expected = actix_web::rt::System::new().block_on(as_actix_reads(form.clone(), piece));
        prop_assert_eq!(&expected, &files);
        let server = server();
        let answer = server.request("POST", "/api/uploads", &[FORM], &form);
        prop_assert_eq!(answer.status, 201);
        let uploads = answer.json()["uploads"].as_array().unwrap().clone();
        let read: Vec<File> = uploads
            .iter()
            .map(|record| {
                let content = server.get(record["url"].as_str().unwrap(), &[]).body;
                (record["filename"].as_str().unwrap().to_owned(), content)
            })
            .collect();
        prop_assert_eq!(read, files);
    }
}

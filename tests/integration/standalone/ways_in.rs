use super::Service;
use crate::support::api::{assert_stored, number, put, text};
use crate::support::content::Content;
use crate::support::external::{curl, curl_from};
use crate::support::multipart::form;
use crate::support::wait::until;
use serde_json::Value;
use std::fs::File;

const MIB: u64 = 1 << 20;

#[test]
fn curl_puts_a_file_under_its_own_name() {
    let service = Service::start();
    let content = Content::new(1, 5 * MIB + 3);
    let file = service.folder.path().join("report 2024.bin");
    content.write_to(&file);
    // To a folder's address, as in the README: curl appends the name.
    let printed = curl(["-T", file.to_str().unwrap(), &service.url().at("/api/uploads/")]);
    let answer: Value = serde_json::from_str(&printed).unwrap();
    let record = &answer["uploads"][0];
    assert_eq!(text(record, "filename"), "report 2024.bin");
    assert_stored(service.url(), text(record, "id"), content);
}

#[test]
fn curl_puts_what_comes_through_a_pipe() {
    let service = Service::start();
    let content = Content::new(2, 3 * MIB);
    let file = service.folder.path().join("piped");
    content.write_to(&file);
    // Without a known length curl sends chunks (RFC 9112, section 7.1).
    let address = service.url().at("/api/uploads/piped.bin");
    let answer = curl_from(File::open(&file).unwrap(), ["-T", "-", &address]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_stored(service.url(), text(&answer["uploads"][0], "id"), content);
}

#[test]
fn curl_sends_several_files_in_one_form() {
    let service = Service::start();
    let contents = [Content::new(3, 2 * MIB), Content::new(4, 0), Content::new(5, 70_000)];
    let fields = contents.map(|content| {
        let file = service.folder.path().join(format!("{}.bin", content.seed));
        content.write_to(&file);
        format!("file=@{}", file.display())
    });
    let address = service.url().at("/api/uploads");
    let arguments = fields.iter().flat_map(|field| ["-F", field]).chain([address.as_str()]);
    let answer: Value = serde_json::from_str(&curl(arguments)).unwrap();
    for (record, content) in answer["uploads"].as_array().unwrap().iter().zip(contents) {
        assert_eq!(text(record, "filename"), format!("{}.bin", content.seed));
        assert_stored(service.url(), text(record, "id"), content);
    }
    assert_eq!(answer["uploads"].as_array().unwrap().len(), 3);
}

#[test]
fn the_plain_form_leads_back_to_the_list() {
    let service = Service::start();
    let content = Content::new(6, 300_000);
    let (content_type, body) = form(&[("über uns.txt", &content.all()), ("leer.txt", b"")]);
    let answer = service.url().request("POST", "/").header("Content-Type", content_type).send_body(&body);
    assert_eq!(answer.expect(303).field("Location"), "/");
    let list = service.url().get("/api/uploads").send().expect(200).json();
    let uploads = list["uploads"].as_array().unwrap();
    let names: Vec<&str> = uploads.iter().map(|record| text(record, "filename")).collect();
    assert_eq!(names, ["leer.txt", "über uns.txt"]);
    assert_stored(service.url(), text(&uploads[1], "id"), content);
}

#[test]
fn an_empty_file_is_a_file() {
    let service = Service::start();
    let record = put(service.url(), "empty", Content::new(0, 0));
    assert_stored(service.url(), text(&record, "id"), Content::new(0, 0));
}

#[test]
fn an_interrupted_put_leaves_nothing() {
    let service = Service::start();
    let listed = || {
        let list = service.url().get("/api/uploads?state=all").send().expect(200).json();
        list["uploads"].as_array().unwrap().clone()
    };
    let request = service.url().request("PUT", "/api/uploads/half.bin").header("Content-Length", 8 * MIB);
    let mut exchange = request.begin().unwrap();
    exchange.write(&Content::new(7, 2 * MIB).all()).unwrap();
    until("the first half is recorded", || {
        listed().first().filter(|record| number(record, "received_bytes") > 0).map(|_| ())
    });
    drop(exchange);
    until("nothing is left", || listed().is_empty().then_some(()));
}

#[test]
fn a_file_over_the_limit_is_413_and_leaves_nothing() {
    let service = Service::start_with(&["--max-upload-size", "1MiB"]);
    let over = Content::new(8, MIB + 1).all();
    let (content_type, body) = form(&[("fits.bin", b"abc"), ("over.bin", &over)]);
    let answers = [
        service.url().request("PUT", "/api/uploads/over.bin").send_body(&over),
        service.url().request("POST", "/api/uploads").header("Content-Type", content_type).send_body(&body),
    ];
    for answer in answers {
        let problem = answer.expect(413);
        assert!(problem.field("Content-Type").starts_with("application/problem+json"));
    }
    // Of a form the files before the failing one stay.
    let list = service.url().get("/api/uploads?state=all").send().expect(200).json();
    let names: Vec<&str> =
        list["uploads"].as_array().unwrap().iter().map(|record| text(record, "filename")).collect();
    assert_eq!(names, ["fits.bin"]);
    put(service.url(), "just.bin", Content::new(9, MIB));
}

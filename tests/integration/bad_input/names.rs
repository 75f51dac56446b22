use super::Target;
use crate::support::api::{content_path, record, text, tus};
use crate::support::client::{Answer, Url};
use crate::support::hostile::{self, Name, percent_encoded};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;

#[test]
fn a_hostile_name_is_kept_as_a_harmless_one_by_every_way_in() {
    for target in Target::each() {
        for name in hostile::names() {
            for id in [put(target.url(), &name), form(target.url(), &name), tus_metadata(target.url(), &name)]
            {
                assert_harmless(target.url(), &id, &name);
                target.request("DELETE", &format!("/api/uploads/{id}")).send().expect(204);
            }
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn no_name_becomes_a_path_or_a_tag() {
    let target = Target::standalone();
    let names = hostile::names();
    names.iter().for_each(|name| drop(put(target.url(), name)));
    let files = files_under(target.0.folder.path());
    assert!(!files.is_empty());
    for name in &names {
        assert!(!files.contains(&name.shown), "{name:?} is the name of a file in {files:?}");
    }
    let page = target.url().get("/?q=alert").send().expect(200);
    assert!(page.text().contains("&lt;img src") && !page.text().contains("<img src"), "{}", page.text());
    let mut shown: Vec<&str> = names.iter().map(|name| name.shown.as_str()).collect();
    shown.sort_unstable();
    target.assert_unharmed(&shown);
}

#[test]
fn an_empty_name_is_asked_for_or_made_up() {
    for target in Target::each() {
        for path in ["/api/uploads/", "/api/uploads"] {
            super::problem(target.request("PUT", path).send_body(b"abc"), 400, "filename_missing");
        }
        let empty = Name { raw: Vec::new(), shown: "unnamed".into() };
        for id in [form(target.url(), &empty), tus_metadata(target.url(), &empty)] {
            assert_harmless(target.url(), &id, &empty);
        }
        target.assert_unharmed(&["unnamed", "unnamed"]);
    }
}

fn put(at: &Url, name: &Name) -> String {
    let path = format!("/api/uploads/{}", percent_encoded(&name.raw));
    first_id(&at.request("PUT", &path).send_body(b"abc"))
}

fn form(at: &Url, name: &Name) -> String {
    // A browser writes a quote so, and old ones leave backslashes alone.
    let quoted = name.raw.split(|byte| *byte == b'"').collect::<Vec<_>>().join(&b"%22"[..]);
    let disposition: &[u8] = b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"";
    let body = [disposition, &quoted, b"\"\r\n\r\nabc\r\n--XX--\r\n"].concat();
    let request =
        at.request("POST", "/api/uploads").header("Content-Type", "multipart/form-data; boundary=XX");
    first_id(&request.send_body(&body))
}

fn tus_metadata(at: &Url, name: &Name) -> String {
    let metadata = format!("filename {}", STANDARD.encode(&name.raw));
    let request = tus(at, "POST", "/files/").header("Upload-Length", 3).header("Upload-Metadata", metadata);
    let answer =
        request.header("Content-Type", "application/offset+octet-stream").send_body(b"abc").expect(201);
    answer.field("Location").trim_start_matches("/files/").to_owned()
}

#[track_caller]
fn first_id(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text());
    text(&answer.json()["uploads"][0], "id").to_owned()
}

fn assert_harmless(at: &Url, id: &str, name: &Name) {
    let shown = record(at, id);
    assert_eq!(text(&shown, "filename"), name.shown, "{name:?}");
    assert!(name.shown.len() <= 255 && !name.shown.contains(char::is_control), "{name:?}");
    let answer = at.get(&content_path(id)).send().expect(200);
    let disposition = answer.field("Content-Disposition");
    assert!(disposition.starts_with("attachment; filename=\""), "{disposition}");
    let extended = disposition.split_once("filename*=UTF-8''").unwrap().1;
    let decoded = percent_encoding::percent_decode_str(extended).decode_utf8().unwrap();
    assert_eq!(decoded, name.shown, "{disposition}");
}

/// The names of all files and folders, however deep.
fn files_under(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().unwrap().is_dir() {
            names.extend(files_under(&entry.path()));
        }
    }
    names
}

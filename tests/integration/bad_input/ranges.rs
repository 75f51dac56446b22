use super::{Target, problem};
use crate::support::api::{content_path, put, text};
use crate::support::content::Content;

#[test]
fn a_range_outside_of_the_content_is_416_and_says_the_length() {
    for target in Target::each() {
        let id = text(&put(target.url(), "a", Content::new(1, 1000)), "id").to_owned();
        for range in [
            "bytes=1000-",
            "bytes=1000-2000",
            "bytes=-0",
            "bytes=5000-6000, 7000-",
            "bytes=9223372036854775807-",
        ] {
            let answer = target.url().get(&content_path(&id)).header("Range", range).send();
            assert_eq!(answer.field("Content-Range"), "bytes */1000", "{range}");
            assert_eq!(problem(answer, 416, "range_not_satisfiable")["length"], 1000);
        }
        target.assert_unharmed(&["a"]);
    }
}

#[test]
fn a_malformed_range_is_as_if_it_were_not_there() {
    for target in Target::each() {
        let content = Content::new(2, 1000);
        let id = text(&put(target.url(), "a", content), "id").to_owned();
        let many = format!("bytes={}", "0-1,".repeat(10_000));
        for range in [
            "bytes",
            "bytes=",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=--1",
            "bytes=1-2-3",
            "bytes=1",
            "lines=1-2",
            "bytes=+1-2",
            "bytes=0-99999999999999999999",
            "bytes=18446744073709551616-",
            "bytes=-99999999999999999999",
            &many,
        ] {
            let answer = target.url().get(&content_path(&id)).header("Range", range).send().expect(200);
            assert_eq!(answer.body, content.all(), "{range:.40}");
        }
        let twice =
            target.url().get(&content_path(&id)).header("Range", "bytes=0-1").header("Range", "bytes=2-3");
        assert_eq!(twice.send().expect(200).body.len(), 1000);
        target.assert_unharmed(&["a"]);
    }
}

#[test]
fn conditions_that_make_no_sense_are_as_if_they_were_not_there() {
    let target = Target::standalone();
    let id = text(&put(target.url(), "a", Content::new(3, 10)), "id").to_owned();
    for (name, value) in [
        ("If-Modified-Since", "yesterday"),
        ("If-Modified-Since", "Thu, 99 Foo 9999 99:99:99 GMT"),
        ("If-None-Match", "\"never closed"),
        ("If-Unmodified-Since", "0"),
    ] {
        target.url().get(&content_path(&id)).header(name, value).send().expect(200);
    }
    let unmatched = target.url().get(&content_path(&id)).header("If-Match", "\"other\"").send();
    problem(unmatched, 412, "precondition_failed");
    target.assert_unharmed(&["a"]);
}

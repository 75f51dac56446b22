//! tus 1.0.0 to the letter: a file for each section of the protocol's text, a test for each MUST and SHOULD that binds a
//! server. Each file's `SENTENCES` say which test holds which sentence, and each test quotes what it holds.
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

/// The sentences of a part of the text, each with the test that holds it.
type Sentences = &'static [(&'static str, &'static str)];

macro_rules! sections {
    ($($name:ident),* $(,)?) => {
        /// The parts in the order of the text: each file's name, the file, and its sentences.
        const SECTIONS: &[(&str, &str, Sentences)] =
            &[$((stringify!($name), include_str!(concat!(stringify!($name), ".rs")), $name::SENTENCES)),*];
    };
}

sections! {
    core_headers,
    core_head,
    core_patch,
    core_options,
    creation,
    creation_with_upload,
    expiration,
    checksum,
    termination,
    concatenation,
}

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

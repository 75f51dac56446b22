use super::{LIMIT, MIB, Target, problem};
use crate::support::api::{Tus, content_path, text, tus};
use crate::support::client::Request;
use crate::support::content::Content;
use crate::support::wire::{Framing, write_end, write_piece};

const OFFSET_TYPE: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

/// Sends the head alone, and reads the answer: no byte of the body was needed for it.
#[track_caller]
fn refused_by_its_head(request: Request, code: &str, status: u16) -> serde_json::Value {
    problem(request.begin().unwrap().answer().unwrap(), status, code)
}

#[test]
fn a_declared_length_over_the_limit_is_413_before_the_body_is_read() {
    for target in Target::each() {
        for length in [LIMIT + 1, u64::MAX / 2, u64::MAX] {
            let put = target.request("PUT", "/api/uploads/over").header("Content-Length", length);
            assert_eq!(refused_by_its_head(put, "too_large", 413)["limit"], LIMIT);
            let expecting = target.request("PUT", "/api/uploads/over").header("Expect", "100-continue");
            refused_by_its_head(expecting.header("Content-Length", length), "too_large", 413);
        }
        let created = tus(target.url(), "POST", "/files/").header("Upload-Length", LIMIT + 1);
        assert_eq!(problem(created.send_body(b""), 413, "too_large")["limit"], LIMIT);
        let upload = Tus::create(target.url(), LIMIT);
        let patch = tus(target.url(), "PATCH", &upload.path).header(OFFSET_TYPE.0, OFFSET_TYPE.1);
        let patch = patch.header("Upload-Offset", 0).header("Content-Length", LIMIT + 1);
        refused_by_its_head(patch, "too_large", 413);
        assert_eq!(upload.offset(target.url()), 0);
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn an_undeclared_length_over_the_limit_is_413_in_mid_stream() {
    for target in Target::each() {
        let over = Content::new(1, LIMIT + 1).all();
        for (method, path) in [("PUT", "/api/uploads/over"), ("POST", "/files/"), ("PATCH", "")] {
            let upload = (method == "PATCH").then(|| {
                let created =
                    tus(target.url(), "POST", "/files/").header("Upload-Defer-Length", 1).send_body(b"");
                Tus { path: created.expect(201).field("Location").to_owned() }
            });
            let path = upload.as_ref().map_or(path, |upload| &upload.path);
            let request = tus(target.url(), method, path).header(OFFSET_TYPE.0, OFFSET_TYPE.1);
            let request = request.header("Upload-Offset", 0).header("Transfer-Encoding", "chunked");
            // Of a creation; elsewhere it counts for nothing before the end.
            let request = if method == "POST" { request.header("Upload-Defer-Length", 1) } else { request };
            let mut exchange = request.begin().unwrap();
            over.chunks(100_000).for_each(|piece| {
                drop(write_piece(&mut exchange.stream, Framing::Chunked, piece));
            });
            drop(write_end(&mut exchange.stream, Framing::Chunked));
            assert_eq!(problem(exchange.answer().unwrap(), 413, "too_large")["limit"], LIMIT);
            // What came before the excess belongs to a tus upload, which its client may terminate; a PUT leaves nothing.
            if let Some(upload) = upload {
                assert!(upload.offset(target.url()) <= LIMIT);
                tus(target.url(), "DELETE", &upload.path).send().expect(204);
            }
        }
        let list = target.url().get("/api/uploads?state=all").send().expect(200).json();
        for left in list["uploads"].as_array().unwrap() {
            assert_eq!(text(left, "state"), "receiving", "{left}");
            tus(target.url(), "DELETE", &format!("/files/{}", text(left, "id"))).send().expect(204);
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn bodies_over_the_limit_give_back_the_memory_of_what_they_held() {
    let target = Target::standalone();
    let over = Content::new(2, LIMIT + MIB);
    for _ in 0..6 {
        let request = target.request("PUT", "/api/uploads/over").header("Transfer-Encoding", "chunked");
        let mut exchange = request.begin().unwrap();
        over.all().chunks(1 << 20).for_each(|piece| {
            drop(write_piece(&mut exchange.stream, Framing::Chunked, piece));
        });
        problem(exchange.answer().unwrap(), 413, "too_large");
    }
    target.assert_unharmed(&[]);
}

#[test]
fn a_put_longer_than_declared_ends_where_was_declared() {
    for target in Target::each() {
        let head = "PUT /api/uploads/three HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
        let answers = target.url().raw(format!("{head}abcdef\r\n\r\n")).rest();
        let answers = String::from_utf8(answers).unwrap();
        assert!(answers.starts_with("HTTP/1.1 201 "), "{answers}");
        // What follows would be the next request, and is none.
        assert!(answers.contains("HTTP/1.1 400 "), "{answers}");
        let list = target.url().get("/api/uploads").send().expect(200).json();
        let id = text(&list["uploads"][0], "id");
        assert_eq!(target.url().get(&content_path(id)).send().expect(200).body, b"abc");
        target.assert_unharmed(&["three"]);
    }
}

#[test]
fn a_put_shorter_than_declared_is_400_and_leaves_nothing() {
    for target in Target::each() {
        let request = target.request("PUT", "/api/uploads/short").header("Content-Length", 3 * MIB);
        let mut exchange = request.begin().unwrap();
        exchange.write(&Content::new(3, 2 * MIB).all()).unwrap();
        exchange.finish();
        problem(exchange.answer().unwrap(), 400, "body_cut_short");
        target.assert_unharmed(&[]);
    }
}

#[test]
fn broken_chunks_end_the_connection_and_leave_nothing() {
    for target in Target::each() {
        let broken: [&[u8]; 8] = [
            b"zz\r\nabc\r\n0\r\n\r\n",
            b"-1\r\nabc\r\n0\r\n\r\n",
            b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabcdef\r\n0\r\n\r\n",
            b"3\nabc\n0\n\n",
            b"3\r\nabc0\r\n\r\n",
            b"\r\n\r\n\r\n",
            b"3 3\r\nabc\r\n0\r\n\r\n",
        ];
        for chunks in broken {
            let head = b"PUT /api/uploads/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
            let answer = target.url().raw([head, chunks].concat()).rest();
            let answer = String::from_utf8_lossy(&answer);
            // The framework takes it for a broken connection, to which nothing can be said.
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn a_length_that_can_be_read_in_two_ways_is_refused() {
    for target in Target::each() {
        let inner = "PUT /api/uploads/smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
        for fields in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 3",
            "Content-Length: 3\r\nContent-Length: 5",
            "Content-Length: 3, 3",
            "Content-Length: 3\r\nContent-Length: 3",
            "Content-Length: +3",
            "Content-Length: -3",
            "Content-Length: 0x3",
            "Content-Length: 3.0",
            "Content-Length: ",
            "Content-Length: 18446744073709551616",
            "Content-Length : 3",
            " Content-Length: 3",
            "X: a\r\n Content-Length: 3",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding: \x0bchunked",
        ] {
            let request =
                format!("PUT /api/uploads/outer HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n0\r\n\r\n{inner}");
            let answer = String::from_utf8(target.url().raw(request).rest()).unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{fields:?}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{fields:?}: {answer}");
        }
        target.assert_unharmed(&[]);
    }
}

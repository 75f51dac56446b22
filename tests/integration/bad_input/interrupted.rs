use super::{MIB, Target};
use crate::support::api::{Tus, assert_stored, content_path, number, put, text, tus};
use crate::support::client::{Exchange, Request};
use crate::support::content::Content;
use crate::support::multipart::form;
use crate::support::wait::until;

/// How a client goes away.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It says that it sends no more, and goes.
    InOrder,
    Reset,
}

impl End {
    const BOTH: [Self; 2] = [Self::InOrder, Self::Reset];

    fn end(self, exchange: Exchange) {
        match self {
            Self::InOrder => drop(exchange),
            Self::Reset => exchange.reset(),
        }
    }
}

#[test]
fn a_request_that_stops_anywhere_in_its_head_leaves_nothing() {
    for target in Target::each() {
        let head = "PUT /api/uploads/half HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Other: x\r\n\r\n";
        for cut in 0..head.len() {
            let end = End::BOTH[cut % 2];
            end.end(target.url().raw(&head[..cut]));
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn a_put_or_a_form_that_stops_anywhere_leaves_nothing() {
    for target in Target::each() {
        let content = Content::new(1, 3 * MIB).all();
        let (form_type, form) = form(&[("half", &content)]);
        for end in End::BOTH {
            for sent in [0, 1, 1000, MIB as usize, 2 * MIB as usize + 1, content.len() - 1] {
                for round in 0..2 {
                    let chunked = round == 1;
                    let put = target.request("PUT", "/api/uploads/half");
                    end.end(begin(put, &content, sent, chunked));
                    let post = target.request("POST", "/api/uploads").header("Content-Type", &form_type);
                    end.end(begin(post, &form, sent, chunked));
                }
            }
        }
        target.assert_unharmed(&[]);
    }
}

/// Begins a request and sends so many bytes of its body, which stay without an end.
fn begin(request: Request, body: &[u8], sent: usize, chunked: bool) -> Exchange {
    let request = match chunked {
        true => request.header("Transfer-Encoding", "chunked"),
        false => request.header("Content-Length", body.len()),
    };
    let mut exchange = request.begin().unwrap();
    if chunked {
        exchange.write(format!("{:x}\r\n", body.len()).as_bytes()).unwrap();
    }
    exchange.write(&body[..sent]).unwrap();
    exchange
}

#[test]
fn a_tus_upload_that_stops_keeps_what_came_before() {
    for target in Target::each() {
        let content = Content::new(2, 4 * MIB);
        let upload = Tus::create(target.url(), content.length);
        let mut offset = 0;
        for (end, sent) in
            [(End::InOrder, 1), (End::Reset, 1000), (End::InOrder, MIB + 7), (End::Reset, 2 * MIB)]
        {
            let mut exchange = upload.begin(target.url(), offset, content.length - offset);
            exchange.write(&content.bytes(offset..offset + sent)).unwrap();
            // A reset may overtake what was sent before it, so it waits until that has arrived.
            if let End::Reset = end {
                until("what was sent is there", || {
                    (upload.offset(target.url()) == offset + sent).then_some(())
                });
            }
            end.end(exchange);
            offset += sent;
            until("what was sent is kept", || (upload.offset(target.url()) == offset).then_some(()));
        }
        upload.finish(target.url(), content);
        assert_stored(target.url(), upload.id(), content);
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn a_creation_that_stops_keeps_what_came_before() {
    for target in Target::each() {
        let content = Content::new(3, 2 * MIB);
        let request = tus(target.url(), "POST", "/files/").header("Upload-Length", content.length);
        let request = request.header("Content-Type", "application/offset+octet-stream");
        let mut exchange = request.header("Content-Length", content.length).begin().unwrap();
        exchange.write(&content.bytes(0..1234)).unwrap();
        drop(exchange);
        let left = until("the upload is recorded", || {
            let list = target.url().get("/api/uploads?state=all").send().expect(200).json();
            list["uploads"]
                .as_array()
                .unwrap()
                .first()
                .filter(|left| number(left, "received_bytes") == 1234)
                .cloned()
        });
        let upload = Tus { path: format!("/files/{}", text(&left, "id")) };
        upload.finish(target.url(), content);
        assert_stored(target.url(), upload.id(), content);
        target.assert_unharmed(&["unnamed"]);
    }
}

#[test]
fn a_reader_that_goes_away_in_the_middle_harms_nobody() {
    for target in Target::each() {
        let content = Content::new(4, 8 * MIB);
        let id = text(&put(target.url(), "a", content), "id").to_owned();
        for round in 0..20 {
            let exchange = target.url().get(&content_path(&id)).begin().unwrap();
            End::BOTH[round % 2].end(exchange);
        }
        assert_stored(target.url(), &id, content);
        target.assert_unharmed(&["a"]);
    }
}

#[test]
fn many_that_stop_at_once_give_back_the_memory_of_what_they_held() {
    let target = Target::standalone();
    let piece = Content::new(5, MIB).all();
    let half: Vec<Exchange> = (0..40)
        .map(|number| {
            let request = target.request("PUT", &format!("/api/uploads/{number}"));
            begin(request, &[piece.clone(), piece.clone()].concat(), piece.len(), false)
        })
        .collect();
    half.into_iter().enumerate().for_each(|(number, exchange)| End::BOTH[number % 2].end(exchange));
    target.assert_unharmed(&[]);
}

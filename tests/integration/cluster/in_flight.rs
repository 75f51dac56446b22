//! What plain clients are in the middle of, and cannot resume: a PUT, a form and a download.

use super::MIB;
use crate::support::api::{assert_stored, content_path, put, text};
use crate::support::client::{Exchange, Url};
use crate::support::content::{Content, Sum};
use crate::support::multipart::form;
use crate::support::wait::until;
use std::io::{self, Read};

const SENT: u64 = MIB;
const CONTENT: Content = Content::new(1, 3 * MIB);
/// Does not fit into the sockets on its way.
const LONG: Content = Content::new(2, 64 * MIB);

pub struct InFlight {
    put: Exchange,
    form: Exchange,
    form_body: Vec<u8>,
    download: Box<dyn Read>,
    sum: Sum,
}

impl InFlight {
    pub fn begin(at: &Url) -> Self {
        let id = text(&put(at, "long", LONG), "id").to_owned();
        let (_, body) = at.get(&content_path(&id)).begin().unwrap().open().unwrap();
        let mut download = Box::new(body);
        let mut sum = Sum::default();
        io::copy(&mut download.by_ref().take(SENT), &mut sum).unwrap();

        let request = at.request("PUT", "/api/uploads/a").header("Content-Length", CONTENT.length);
        let mut put = request.begin().unwrap();
        put.write(&CONTENT.bytes(0..SENT)).unwrap();
        let (content_type, form_body) = form(&[("b", &CONTENT.all())]);
        let request = at.request("POST", "/api/uploads").header("Content-Type", content_type);
        let mut form = request.header("Content-Length", form_body.len()).begin().unwrap();
        form.write(&form_body[..SENT as usize]).unwrap();
        // What still waits to be accepted is not in flight yet.
        until("the PUT and the form are being received", || {
            let list = at.get("/api/uploads?state=all&limit=1000").send().expect(200).json();
            let begun = |name: &str| {
                list["uploads"].as_array().unwrap().iter().any(|upload| upload["filename"] == name)
            };
            (begun("a") && begun("b")).then_some(())
        });
        Self { put, form, form_body, download, sum }
    }

    /// Goes on to the end of each; all end well. What was stored is looked up `at` some replica.
    pub fn finish(mut self, at: Option<&Url>) {
        self.put.write(&CONTENT.bytes(SENT..CONTENT.length)).unwrap();
        self.form.write(&self.form_body[SENT as usize..]).unwrap();
        for exchange in [self.put, self.form] {
            let records = exchange.answer().unwrap().expect(201).json();
            assert_eq!(text(&records["uploads"][0], "sha256"), CONTENT.sha256());
            if let Some(at) = at {
                assert_stored(at, text(&records["uploads"][0], "id"), CONTENT);
            }
        }
        assert_eq!(io::copy(&mut self.download, &mut self.sum).unwrap(), LONG.length - SENT);
        assert_eq!(self.sum.hex(), LONG.sha256());
    }
}

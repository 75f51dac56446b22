//! The first promise, for downloads: they go on from another backend at the byte where the first one stopped.

#![allow(clippy::single_range_in_vec_init, reason = "lists of ranges, some of one")]

use super::{MIB, STORES};
use crate::support::api::{content_path, put, text};
use crate::support::chaos::{ALWAYS, ChaosProxy, Fault, contents};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::{Content, Sum};
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;

/// Does not fit into the sockets on the way: a backend is in the middle of it while a client has read little.
const CONTENT: Content = Content::new(1, 64 * MIB);
/// Of which the client has read so much when something happens.
const READ: u64 = MIB;

const ALMOST_ALL: Range<u64> = 7..CONTENT.length - 9;
/// What is asked for: everything, a range, or several.
const WAYS: [&[Range<u64>]; 3] =
    [&[], &[ALMOST_ALL], &[5..40 * MIB, 40 * MIB + 1..60 * MIB, CONTENT.length - 3..CONTENT.length]];

struct Downloading {
    ranges: &'static [Range<u64>],
    backend: String,
    content_type: String,
    body: Box<dyn BufRead>,
    begun: Vec<u8>,
}

impl Downloading {
    fn begin(cluster: &Cluster, id: &str, ranges: &'static [Range<u64>]) -> Self {
        let mut request = cluster.at(0).get(&content_path(id));
        if !ranges.is_empty() {
            let specs = ranges.iter().map(|range| format!("{}-{}", range.start, range.end - 1));
            request = request.header("Range", format!("bytes={}", specs.collect::<Vec<_>>().join(",")));
            // The range of what it was: the tag is that of every backend.
            request = request.header("If-Range", format!("\"{id}\""));
        }
        let (head, body) = request.begin().unwrap().open().unwrap();
        assert_eq!(head.status().unwrap(), if ranges.is_empty() { 200 } else { 206 });
        let field = |name| head.field(name).unwrap().to_owned();
        assert_eq!(field("ETag"), format!("\"{id}\""));
        let (backend, content_type) = (field("X-Backend-Container"), field("Content-Type"));
        let (mut body, mut begun) = (BufReader::new(body), Vec::new());
        body.by_ref().take(READ).read_to_end(&mut begun).unwrap();
        Self { ranges, backend, content_type, body: Box::new(body), begun }
    }

    /// Reads the rest; it is the very bytes.
    fn finish(self) {
        let mut body = BufReader::new(io::Cursor::new(self.begun).chain(self.body));
        let several = self.ranges.len() > 1;
        assert_eq!(self.content_type.starts_with("multipart/byteranges"), several);
        let whole = 0..CONTENT.length;
        let ranges = if self.ranges.is_empty() { std::slice::from_ref(&whole) } else { self.ranges };
        for range in ranges {
            if several {
                let head = read_head(&mut body);
                let expected = format!("bytes {}-{}/{}", range.start, range.end - 1, CONTENT.length);
                assert!(head.contains(&expected), "{head}");
            }
            let (mut sum, mut expected) = (Sum::default(), Sum::default());
            let length = range.end - range.start;
            assert_eq!(io::copy(&mut body.by_ref().take(length), &mut sum).unwrap(), length, "{range:?}");
            io::copy(&mut CONTENT.reader(range.clone()), &mut expected).unwrap();
            assert_eq!(sum.hex(), expected.hex(), "{range:?}");
        }
        let mut tail = String::new();
        body.read_to_string(&mut tail).unwrap();
        assert_eq!(tail.ends_with("--\r\n"), several, "{tail:?}");
    }
}

/// The delimiter and the fields of a part.
fn read_head(body: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") || head == "\r\n\r\n" {
        assert!(body.read_line(&mut head).unwrap() > 0, "the body ends after {head:?}");
    }
    head
}

/// How often the frontend has gone on with a download at another backend.
fn resumed(cluster: &Cluster) -> u64 {
    let metrics = cluster.at(0).get("/metrics").send().expect(200);
    let line = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("swarm_upload_relay_downloads_resumed_total "));
    line.map_or(0, |count| count.parse().unwrap())
}

/// How many requests the first backend has served.
fn asked(cluster: &Cluster) -> u64 {
    let metrics = cluster.backends[0].url.get("/metrics").send().expect(200);
    let counts = metrics.text().lines().filter(|line| line.starts_with("swarm_upload_http_requests_total{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Downloads in each way, while `happens` to the backend that serves it.
fn goes_on(store: Store, happens: impl Fn(&mut Cluster, usize)) {
    let mut cluster = Cluster::start(store, WAYS.len() + 1, 1);
    let id = text(&put(cluster.at(0), "a%20file", CONTENT), "id").to_owned();
    let backends: Vec<_> = (0..cluster.backends.len()).map(|number| cluster.id_of(number)).collect();
    for ranges in WAYS {
        let before = resumed(&cluster);
        let downloading = Downloading::begin(&cluster, &id, ranges);
        let victim = backends.iter().position(|backend| *backend == downloading.backend).unwrap();
        happens(&mut cluster, victim);
        downloading.finish();
        assert!(resumed(&cluster) > before, "{store:?}, {ranges:?}: it was not in the middle");
    }
}

#[test]
fn a_download_goes_on_when_the_backend_that_serves_it_is_killed() {
    goes_on(Store::Local, |cluster, victim| cluster.backends[victim].kill());
}

#[test]
fn a_download_goes_on_when_the_backend_that_serves_it_stands_still() {
    goes_on(Store::Postgres, |cluster, victim| cluster.backends[victim].stop());
}

/// Every answer is cut after so many bytes.
const CUT: u64 = 9 * MIB + 1;

fn goes_on_however_often_it_is_cut(fault: Fault, check: impl Fn(u64, u64)) {
    for store in STORES {
        let cluster = Cluster::start(store, 3, 1);
        let id = text(&put(cluster.at(0), "a%20file", CONTENT), "id").to_owned();
        for (ranges, cuts) in WAYS.into_iter().zip([7, 7, 4 + 2]) {
            let before = resumed(&cluster);
            cluster.each_proxy(|proxy| proxy.inject(ALWAYS, contents, fault));
            Downloading::begin(&cluster, &id, ranges).finish();
            cluster.each_proxy(ChaosProxy::release);
            check(resumed(&cluster) - before, cuts);
        }
    }
}

/// The worst: no error tells that anything is missing.
#[test]
fn a_download_that_ends_early_in_good_order_goes_on_at_the_byte_where_it_stopped() {
    goes_on_however_often_it_is_cut(Fault::CutContent { after: CUT }, |resumed, cuts| {
        assert_eq!(resumed, cuts, "each answer but the last is cut");
    });
}

#[test]
fn a_download_whose_connection_is_reset_goes_on_at_the_byte_where_it_stopped() {
    goes_on_however_often_it_is_cut(Fault::ResetContent { after: CUT }, |resumed, cuts| {
        // With a reset some of what was sent is lost, too.
        assert!(resumed >= cuts, "{resumed} of {cuts}");
    });
}

/// Each frontend remembers what it has served.
#[test]
fn a_file_that_was_removed_through_one_frontend_is_gone_at_those_that_have_served_it() {
    for store in STORES {
        let cluster = Cluster::start(store, 2, 2);
        // The second stays when the first is removed: its bytes are those of the first.
        let [removed, stays] =
            [0, 1].map(|_| text(&put(cluster.at(0), "a%20file", Content::new(2, 100_000)), "id").to_owned());
        let ask = |frontend: usize, id: &str, range: &str| {
            cluster.at(frontend).get(&content_path(id)).header("Range", range).send()
        };
        for _ in 0..8 {
            ask(1, &removed, "bytes=0-9").expect(206);
        }
        cluster.at(0).request("DELETE", &format!("/api/uploads/{removed}")).send().expect(204);
        for _ in 0..8 {
            for range in ["bytes=0-9", "bytes=0-", "bytes=-5", "bytes=0-1,5-6", "bytes=100000-"] {
                let refused = ask(1, &removed, range).expect(410);
                assert!(!refused.field("X-Backend-Container").is_empty(), "{range}");
            }
            ask(1, &stays, "bytes=0-9").expect(206);
        }
    }
}

#[test]
fn downloads_one_after_the_other_share_connections_to_the_backends_and_what_is_known() {
    let cluster = Cluster::start(Store::Local, 1, 1);
    let id = text(&put(cluster.at(0), "a%20file", Content::new(1, 100_000)), "id").to_owned();
    let connections = || cluster.proxies[0].counts().connections;
    let (before, asked_before) = (connections(), asked(&cluster));
    for _ in 0..100 {
        let asked = cluster.at(0).get(&content_path(&id)).header("Range", "bytes=10-70000");
        asked.send().expect(206);
    }
    assert!(connections() - before < 20, "{} connections", connections() - before);
    // Once for each, but for the record, which each worker of the frontend asks for once.
    let questions = asked(&cluster) - asked_before;
    assert!((100..150).contains(&questions), "{questions} questions");
}

//! A request with a checksum, all of whose bytes count or none, while its chunks are lost on their way.

use super::{MIB, STORES};
use crate::support::api::{Tus, assert_stored, tus};
use crate::support::chaos::{ChaosProxy, Fault, chunks};
use crate::support::client::{Answer, Url};
use crate::support::cluster::Cluster;
use crate::support::content::Content;
use crate::support::wait::until;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Digest;
use std::thread;

/// Appends all of `content` to an upload, with the checksum of `claimed`.
fn append(at: &Url, upload: &Tus, content: Content, claimed: Content) -> Answer {
    let sum = STANDARD.encode(sha1::Sha1::digest(claimed.all()));
    let request = tus(at, "PATCH", &upload.path).header("Content-Type", "application/offset+octet-stream");
    let request = request.header("Upload-Offset", 0).header("Upload-Checksum", format!("sha1 {sum}"));
    request.try_send_body(content.length, content.reader(0..content.length)).unwrap()
}

#[test]
fn every_chunk_may_be_lost_and_is_checked_once() {
    for store in STORES {
        let cluster = Cluster::start(store, 3, 1);
        for (seed, fault) in (0..).zip([
            Fault::CutRequest { after: 300_000 },
            Fault::CutAnswer { after: 0 },
            Fault::CutAnswer { after: 20 },
            Fault::Rubbish,
        ]) {
            let content = Content::new(seed, 12 * MIB + seed);
            let upload = Tus::create(cluster.at(0), content.length);
            cluster.each_proxy(|proxy| proxy.inject(1, chunks, fault));
            let (at, appended) = (cluster.at(0).clone(), upload.clone());
            let appending = thread::spawn(move || append(&at, &appended, content, content));
            cluster.faulted(&appending);
            cluster.each_proxy(ChaosProxy::release);
            appending.join().unwrap().expect(204);
            assert_stored(cluster.at(0), upload.id(), content);
        }
    }
}

/// Nor does what came of it stand in the way of a client that begins anew, at another frontend.
#[test]
fn nothing_of_a_request_that_died_with_its_frontend_counts() {
    for store in STORES {
        let mut cluster = Cluster::start(store, 2, 2);
        let content = Content::new(1, 12 * MIB);
        let upload = Tus::create(cluster.at(0), content.length);
        // All bytes but one: the sum is never known.
        let request = tus(cluster.at(0), "PATCH", &upload.path);
        let request =
            request.header("Content-Type", "application/offset+octet-stream").header("Upload-Offset", 0);
        let request = request.header("Upload-Checksum", "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
        let mut exchange = request.header("Content-Length", content.length).begin().unwrap();
        exchange.write(&content.bytes(0..content.length - 1)).unwrap();
        until("bytes are pending", || {
            let chunks = cluster.proxies.iter().map(|proxy| proxy.counts().changes).sum::<u64>();
            // The creation and the claim are changes too.
            (chunks > 3).then_some(())
        });
        cluster.frontends[0].kill();
        assert_eq!(upload.offset(cluster.at(1)), 0);
        append(cluster.at(1), &upload, Content::new(2, content.length), content).expect(460);
        append(cluster.at(1), &upload, content, content).expect(204);
        assert_stored(cluster.at(1), upload.id(), content);
    }
}

use super::{CUT_AFTER, Edge, cut, id_in};
use crate::support::api::{assert_stored, backends_of, record};
use crate::support::chaos::ChaosProxy;
use crate::support::content::Content;
use crate::support::tus_client::TusClient;
use serde_json::Value;
use std::collections::BTreeSet;
use std::{fs, thread};

/// How many files a client's process uploads before another one does: so many lie on the disk.
const BATCH: usize = 9;

#[test]
fn a_hundred_uploads_with_cuts_have_a_hundred_right_digests() {
    let edge = &Edge::start();
    let contents: Vec<_> =
        (0..100).map(|seed| Content::new(seed, CUT_AFTER + 65_536 + seed * 1_001)).collect();
    let records: Vec<Value> = thread::scope(|scope| {
        let shares = TusClient::ALL.into_iter().zip(contents.chunks(34));
        let clients: Vec<_> =
            shares.map(|(client, share)| scope.spawn(move || upload_all(edge, client, share))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(records.len(), 100);
    let backends: BTreeSet<_> = records.iter().flat_map(backends_of).collect();
    assert_eq!(backends.len(), edge.cluster.backends.len(), "all backends took part: {backends:?}");
}

/// Uploads each over a connection that is cut before the upload ends, and returns the records.
fn upload_all(edge: &Edge, client: TusClient, contents: &[Content]) -> Vec<Value> {
    let network = ChaosProxy::before(edge.url().clone());
    cut(&network);
    let records: Vec<_> =
        contents.chunks(BATCH).flat_map(|batch| upload(edge, &network, client, batch)).collect();
    assert!(network.counts().faults >= contents.len() as u64, "{client:?}: {:?}", network.counts());
    records
}

fn upload(edge: &Edge, network: &ChaosProxy, client: TusClient, contents: &[Content]) -> Vec<Value> {
    let file = |content: &Content| edge.file(&content.seed.to_string(), *content);
    let files: Vec<_> = contents.iter().map(file).collect();
    let urls = client.upload(&network.url.at("/files/"), files.iter().map(|file| &**file), &[]);
    assert_eq!(urls.len(), contents.len(), "{client:?}");
    let records = urls.iter().zip(contents).map(|(url, &content)| {
        assert_stored(edge.url(), id_in(url), content);
        record(edge.url(), id_in(url))
    });
    let records = records.collect();
    files.iter().for_each(|file| fs::remove_file(file).unwrap());
    records
}

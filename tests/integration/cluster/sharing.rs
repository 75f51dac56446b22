//! Equal content, sent by many at once to whichever frontend.

use super::{MIB, STORES};
use crate::support::api::{assert_stored, backends_of, put, record, text};
use crate::support::cluster::Cluster;
use crate::support::content::Content;
use crate::support::wait::until;
use std::collections::BTreeSet;
use std::thread;

const CLIENTS: usize = 16;
/// So that what was given up is swept within a second or two.
const OPTIONS: &[&str] = &["--upload-ttl", "10s"];

#[test]
fn what_sixteen_clients_send_at_once_is_stored_once_and_goes_with_the_last() {
    for store in STORES {
        let cluster = Cluster::start_with(store, 3, 2, OPTIONS);
        let content = Content::new(1, 3 * MIB + 5);
        let ids: Vec<String> = thread::scope(|scope| {
            let send = |client| {
                let at = cluster.at(client % 2);
                scope.spawn(move || text(&put(at, "a%20file", content), "id").to_owned())
            };
            let clients: Vec<_> = (0..CLIENTS).map(send).collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let stored = format!("{store:?}: the bytes of one are stored");
        until(&stored, || (cluster.stored_bytes() == content.length).then_some(()));
        let blobs = "SELECT count(DISTINCT blob_id) FROM extents";
        assert_eq!(cluster.database().number(blobs), 1);
        let mut stored_by = BTreeSet::new();
        for id in &ids {
            assert_stored(cluster.at(1), id, content);
            stored_by.extend(backends_of(&record(cluster.at(0), id)));
        }
        // Each keeps who brought its bytes, whatever became of them.
        assert_eq!(stored_by.len(), 3, "{stored_by:?}");

        let (last, others) = ids.split_last().unwrap();
        let remove = |id| cluster.at(0).request("DELETE", &format!("/api/uploads/{id}")).send().expect(204);
        others.iter().for_each(|id| drop(remove(id)));
        assert_stored(cluster.at(0), last, content);
        assert_eq!(cluster.stored_bytes(), content.length);
        remove(last);
        until("the last byte is deleted", || (cluster.stored_bytes() == 0).then_some(()));
        until("no blob is left", || {
            (cluster.database().number("SELECT count(*) FROM blobs") == 0).then_some(())
        });
    }
}

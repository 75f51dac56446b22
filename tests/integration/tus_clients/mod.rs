//! tus clients that others wrote, unchanged, through nginx, frontends and backends, over a network that breaks.

mod checksums;
mod cuts;
mod deferred;
mod hundred;
mod killed;
mod parallel;
mod terminating;

use crate::support::api::assert_stored;
use crate::support::chaos::{ALWAYS, ChaosProxy, Fault, chunks};
use crate::support::client::Url;
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::nginx::Nginx;
use crate::support::tus_client::TusClient;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
/// A connection is cut when it has brought so many bytes.
const CUT_AFTER: u64 = 8 * MIB;

/// The whole way of an upload but Docker.
struct Edge {
    network: ChaosProxy,
    nginx: Nginx,
    cluster: Cluster,
    folder: TempDir,
}

impl Edge {
    fn start() -> Self {
        let cluster = Cluster::start(Store::Postgres, 3, 2);
        let nginx = Nginx::before(&cluster.frontends);
        let network = ChaosProxy::before(nginx.url.clone());
        Self { network, nginx, cluster, folder: tempfile::tempdir().unwrap() }
    }

    fn start_with_cuts() -> Self {
        let edge = Self::start();
        cut(&edge.network);
        edge
    }

    /// Where clients send to.
    fn endpoint(&self) -> String {
        self.network.url.at("/files/")
    }

    /// Where the test looks what has become of it.
    fn url(&self) -> &Url {
        &self.nginx.url
    }

    fn file(&self, name: &str, content: Content) -> PathBuf {
        let file = self.folder.path().join(name);
        content.write_to(&file);
        file
    }

    /// Has a client upload a file, of which then every byte is there, and returns the upload's id.
    fn upload(&self, client: TusClient, file: &Path, content: Content, options: &[&str]) -> String {
        let urls = client.upload(&self.endpoint(), [file], options);
        let [url] = &urls[..] else { panic!("{client:?}: {urls:?}") };
        assert_stored(self.url(), id_in(url), content);
        id_in(url).to_owned()
    }

    /// All uploads that there are, complete or not.
    fn uploads(&self) -> Vec<Value> {
        let list = self.url().get("/api/uploads?state=all").send().expect(200).json();
        list["uploads"].as_array().unwrap().clone()
    }
}

fn cut(network: &ChaosProxy) {
    network.inject(ALWAYS, chunks, Fault::CutConnection { after: CUT_AFTER });
}

fn id_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

//! A file of 1 MiB, which is one chunk, through a relay, over loopback, to a backend that stores it in a folder.

use super::upload::{BUDGET, PIECE, TTL, begin, piece};
use actix_web::rt::System;
use criterion::{BatchSize, Criterion, Throughput};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use swarm_upload::backend;
use swarm_upload::balance::Probe;
use swarm_upload::config::{BackendConfig, Blobs, Common, Database};
use swarm_upload::domain::{ContainerId, Origins};
use swarm_upload::frontend::relay::RelayUploads;
use swarm_upload::frontend::relay::client::{Backends, Client};
use swarm_upload::uploads::Budget;

pub fn relay(criterion: &mut Criterion) {
    let (system, folder) = (System::new(), tempfile::tempdir().expect("a folder"));
    let backend = system.block_on(backend::start_alone(&config(folder.path()))).expect("the backend starts");
    let (uploads, mut number) = (system.block_on(async { relay_to(backend.address) }), 0);
    let mut group = criterion.benchmark_group("relay 1 MiB");
    group.sample_size(10).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    group.throughput(Throughput::Bytes(PIECE as u64));
    group.bench_function("to a backend with a folder", |bencher| {
        let another = || {
            number += 1;
            piece(number)
        };
        let send = |piece| system.block_on(begin(&uploads, &piece, Some(PIECE as u64)));
        bencher.iter_batched(another, send, BatchSize::PerIteration);
    });
    group.finish();
}

fn relay_to(backend: SocketAddr) -> RelayUploads {
    let backends = Arc::new(Backends::default());
    for target in backends.set.update(vec![backend]) {
        target.probed(Probe::Ready, Instant::now());
    }
    RelayUploads::new(Client::new(backends, ContainerId::from_bits(1)), Budget::new(BUDGET))
}

fn config(folder: &Path) -> BackendConfig {
    let common = Common {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        max_upload_size: u64::MAX,
        memory_budget: BUDGET,
        shutdown_grace: Duration::from_secs(1),
        cors_origins: Origins::none(),
    };
    let database = Database::Sqlite(folder.join("catalog.db"));
    BackendConfig { common, database, blobs: Blobs::Folder(folder.join("blobs")), upload_ttl: TTL }
}

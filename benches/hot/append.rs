//! A chunk of 1 MiB into each store and counted by each catalog: synced and committed, as a client is told that it is.

use super::database::{TestDatabase, VARIABLE};
use super::upload::{BUDGET, PIECE, TTL, begin, go_on, piece};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use std::time::Duration;
use swarm_upload::backend::Storage;
use swarm_upload::config::{Blobs, Database};
use swarm_upload::domain::ContainerId;
use swarm_upload::uploads::{Budget, LocalUploads};
use tokio::runtime::{Builder, Runtime};

pub fn append(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    // A folder belongs to one catalog.
    let files_of = |catalog: &str| Blobs::Folder(folder.path().join(catalog));
    let mut group = criterion.benchmark_group("append 1 MiB");
    group.sample_size(10).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    group.throughput(Throughput::Bytes(PIECE as u64));
    let sqlite = Database::Sqlite(folder.path().join("catalog.db"));
    measure(&mut group, &runtime, "folder, SQLite", &sqlite, &files_of("sqlite"));
    match TestDatabase::named_by_the_environment(&runtime) {
        Some(database) => {
            let postgres = database.config();
            measure(&mut group, &runtime, "folder, PostgreSQL", &postgres, &files_of("postgres"));
            measure(&mut group, &runtime, "rows, PostgreSQL", &postgres, &Blobs::Postgres);
        }
        None => println!("append 1 MiB: not on PostgreSQL, which {VARIABLE} would name"),
    }
    group.finish();
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    database: &Database,
    blobs: &Blobs,
) {
    let (uploads, piece) = (runtime.block_on(open(database, blobs)), piece(0));
    let mut upload = runtime.block_on(begin(&uploads, &piece, None));
    group.bench_function(name, |bencher| {
        bencher.iter(|| upload = runtime.block_on(go_on(&uploads, &upload, &piece)));
    });
}

async fn open(database: &Database, blobs: &Blobs) -> LocalUploads {
    let storage = Storage::open(database, blobs).await.expect("the storage opens");
    storage.prepare().await.expect("the schema is there");
    let (budget, backend) = (Budget::new(BUDGET), ContainerId::from_bits(1));
    LocalUploads::new(storage.catalog, storage.blobs, budget, backend, TTL, u64::MAX)
}

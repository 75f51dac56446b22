//! Which backend gets the next request.

use criterion::{BenchmarkId, Criterion};
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Instant;
use swarm_upload::balance::{Lease, LeastRequests, Probe, ReplicaSet};

pub fn pick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pick a backend");
    for count in [4, 64] {
        let (set, policy) = (ready(count), LeastRequests::default());
        let busy: Vec<Lease> = set.snapshot().iter().step_by(2).cloned().map(Lease::new).collect();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| set.pick(&policy, black_box(&[])));
        });
        drop(busy);
    }
    group.finish();
}

fn ready(count: u16) -> ReplicaSet {
    let set = ReplicaSet::default();
    set.update((1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect());
    set.snapshot().iter().for_each(|target| target.probed(Probe::Ready, Instant::now()));
    set
}

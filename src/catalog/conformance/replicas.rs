use crate::catalog::Catalog;
use crate::domain::ContainerId;
use crate::replica::{Identity, Report, Role};
use std::time::Duration;
use time::OffsetDateTime;

const LONG: Duration = Duration::from_secs(3600);

pub(super) async fn all(catalog: &dyn Catalog) {
    a_replica_that_reported_is_listed(catalog).await;
    frontends_come_first_then_the_oldest(catalog).await;
    who_was_not_heard_of_lately_is_not_listed(catalog).await;
}

fn report(role: Role, started_at: i64) -> Report {
    let identity = Identity { node: Some("node-1".into()), task_slot: Some(2), ..Identity::invented() };
    Report {
        started_at: OffsetDateTime::from_unix_timestamp(started_at).unwrap(),
        requests_served: 7,
        bytes_in: u64::MAX,
        ..crate::replica::Replica::new(role, identity).report()
    }
}

async fn ids(catalog: &dyn Catalog) -> Vec<ContainerId> {
    let census = catalog.replicas(LONG).await.unwrap();
    census.replicas.iter().map(|report| report.identity.container_id).collect()
}

pub(super) async fn a_replica_that_reported_is_listed(catalog: &dyn Catalog) {
    let first = report(Role::Backend, 100);
    catalog.report(&first).await.unwrap();
    let census = catalog.replicas(LONG).await.unwrap();
    let [heard] = &census.replicas[..] else { panic!("listed once") };
    assert_eq!(*heard, Report { last_seen: heard.last_seen, ..first.clone() });
    assert!((heard.last_seen - census.now).abs() < LONG, "by one clock");

    let second = Report { in_flight: 3, ..first };
    catalog.report(&second).await.unwrap();
    let [again] = &catalog.replicas(LONG).await.unwrap().replicas[..] else { panic!("listed twice") };
    assert_eq!(again.in_flight, 3);
    assert!(again.last_seen > heard.last_seen);

    catalog.retire(second.identity.container_id).await.unwrap();
    assert!(catalog.replicas(LONG).await.unwrap().replicas.is_empty());
}

async fn frontends_come_first_then_the_oldest(catalog: &dyn Catalog) {
    let expected = [
        report(Role::Frontend, 300),
        report(Role::Frontend, 400),
        report(Role::Backend, 100),
        report(Role::Backend, 200),
    ];
    for index in [2, 1, 3, 0] {
        catalog.report(&expected[index]).await.unwrap();
    }
    let expected = expected.map(|report| report.identity.container_id);
    assert_eq!(ids(catalog).await, expected);
    for id in expected {
        catalog.retire(id).await.unwrap();
    }
}

async fn who_was_not_heard_of_lately_is_not_listed(catalog: &dyn Catalog) {
    let report = report(Role::Backend, 100);
    catalog.report(&report).await.unwrap();
    assert!(catalog.replicas(Duration::ZERO).await.unwrap().replicas.is_empty());
    assert_eq!(ids(catalog).await, [report.identity.container_id]);
    catalog.retire(report.identity.container_id).await.unwrap();
}

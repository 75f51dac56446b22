use super::Service;
use crate::support::api::{FOR_THREE_BACKENDS, Tus, backends_of, put, record, text};
use crate::support::content::Content;
use std::collections::BTreeMap;

#[test]
fn requests_one_after_the_other_walk_the_backends_in_turn() {
    let service = Service::start();
    let mut answered: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..12 {
        let info = service.url().get("/frontend-info/").send().expect(200).json();
        assert_eq!(text(&info["backend"], "container_id"), text(&info, "backend_container_id"));
        *answered.entry(text(&info, "backend_container_id").to_owned()).or_default() += 1;
    }
    assert_eq!(answered.values().collect::<Vec<_>>(), [&4, &4, &4], "{answered:?}");
}

#[test]
fn a_large_file_is_cut_over_all_backends() {
    let service = Service::start();
    let id = text(&put(service.url(), "large", Content::new(1, FOR_THREE_BACKENDS)), "id").to_owned();
    let mut backends = backends_of(&record(service.url(), &id));
    backends.sort();
    backends.dedup();
    assert_eq!(backends.len(), 3, "{backends:?}");
}

/// As tus clients send a file for which they were told a size of their chunks.
#[test]
fn small_requests_one_after_the_other_are_stored_by_all_backends_in_turn() {
    let service = Service::start();
    let (content, piece) = (Content::new(2, 900_000), 100_000);
    let upload = Tus::create(service.url(), content.length);
    for offset in (0..content.length).step_by(piece) {
        upload.append(service.url(), content, offset..offset + piece as u64).unwrap().expect(204);
    }
    let mut pieces: BTreeMap<String, u32> = BTreeMap::new();
    for backend in backends_of(&record(service.url(), upload.id())) {
        *pieces.entry(backend).or_default() += 1;
    }
    assert_eq!(pieces.values().collect::<Vec<_>>(), [&3, &3, &3], "{pieces:?}");
}

#[test]
fn the_number_of_backends_is_an_option() {
    let service = Service::start_with(&["--backends", "5"]);
    let ids = (0..5).map(|_| {
        let info = service.url().get("/frontend-info").send().expect(200).json();
        text(&info, "backend_container_id").to_owned()
    });
    assert_eq!(ids.collect::<std::collections::BTreeSet<_>>().len(), 5);
}

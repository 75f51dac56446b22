//! Memory is bounded by configuration, and those who wait do not keep it from others.

use super::Service;
use crate::support::api::{assert_stored, put, text};
use crate::support::content::Content;
use crate::support::wait::until;

const MIB: u64 = 1 << 20;

/// Each has sent what would fill the budget, all of them together, and says nothing more.
#[test]
fn senders_that_pause_keep_no_room_from_others() {
    let service = Service::start_with(&["--memory-budget", "8MiB"]);
    let stalled: Vec<_> = (0..8)
        .map(|number| {
            let request = service.url().request("PUT", &format!("/api/uploads/stalled-{number}"));
            let mut exchange = request.header("Content-Length", 2 * MIB).begin().unwrap();
            exchange.write(&Content::new(number, 2 * MIB).bytes(0..MIB)).unwrap();
            exchange
        })
        .collect();
    until("what they have sent is stored", || {
        let list = service.url().get("/api/uploads?state=all").send().expect(200).json();
        let uploads = list["uploads"].as_array().unwrap();
        let stored: u64 = uploads.iter().map(|upload| upload["received_bytes"].as_u64().unwrap()).sum();
        (stored == 8 * MIB).then_some(())
    });
    let content = Content::new(9, 8 * MIB);
    let id = text(&put(service.url(), "quick", content), "id").to_owned();
    assert_stored(service.url(), &id, content);
    for (number, mut exchange) in (0..).zip(stalled) {
        exchange.write(&Content::new(number, 2 * MIB).bytes(MIB..2 * MIB)).unwrap();
        exchange.answer().unwrap().expect(201);
    }
}

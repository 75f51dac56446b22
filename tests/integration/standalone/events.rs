//! What happens is told as it happens, whichever role is asked.

use crate::support::api::{put, text};
use crate::support::content::Content;
use crate::support::listener::Listener;
use crate::support::service::Service;

#[test]
fn who_listens_hears_of_uploads_and_of_their_end() {
    for service in Service::each(&[]) {
        let listener = Listener::on(service.url());
        let record = put(service.url(), "a", Content::new(1, 1000));
        let id = text(&record, "id");
        listener.hears_of(id);
        service.url().request("DELETE", &format!("/api/uploads/{id}")).send().expect(204);
        listener.hears_of_the_end_of(id);
    }
}

#[test]
fn a_whole_service_told_to_end_ends_its_streams_and_ends() {
    for mut service in Service::each(&[]) {
        let listener = Listener::on(service.url());
        service.process.terminate();
        listener.wait_until_ended();
        assert_eq!(service.process.wait_for_exit().code(), Some(0));
        assert_eq!(service.process.logged("cut off"), [""; 0], "it waited for them to the end of its grace");
    }
}

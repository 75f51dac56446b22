use super::{seconds_of, start, upload_across_jumps, wait_until_wrong_by};
use crate::support::clock::Clock;
use crate::support::postgres_server::PostgresServer;
use crate::support::process::Process;
use crate::support::wait::until;
use std::time::SystemTime;

/// Records and heartbeats go by the clock of PostgreSQL, ids and answers by that of the replicas: both jump here.
#[test]
fn clocks_that_jump_under_postgres_and_its_backends_spoil_no_upload_no_list_and_no_replica() {
    let clock = Clock::new();
    let server = PostgresServer::start_with(&clock.environment());
    let url = server.url();
    let options = ["--role", "backend", "--database-url", &url];
    let backends = [start(&clock, "backend 0", &options), start(&clock, "backend 1", &options)];
    backends.iter().for_each(Process::wait_until_ready);
    let [first, second] = backends.each_ref().map(|backend| backend.url.0.as_str());
    let arguments = ["--role", "frontend", "--backend", first, "--backend", second];
    let frontend = start(&clock, "frontend", &arguments);
    frontend.wait_until_ready();
    upload_across_jumps(&frontend.url, 3, |seconds| {
        clock.set(seconds);
        wait_until_wrong_by(seconds, &frontend.url);
        backends.iter().for_each(|backend| wait_until_wrong_by(seconds, &backend.url));
        until("PostgreSQL has the new time", || {
            let now = server.count("SELECT extract(epoch FROM now())::bigint");
            ((now - seconds_of(SystemTime::now()) - seconds).abs() <= 30).then_some(())
        });
    });
}

//! What the kernel has still to send when a server has written its last byte.
//!
//! Megabytes of an answer fit into a socket's buffer. A process may end before a slow client has taken them, and elsewhere the
//! kernel goes on; but a container's network goes with its process, and the rest of the answer with it.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The kernel tells nobody when a socket that was closed is empty.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Returns when all that was written to connections of the server at `address` has been acknowledged by the other side, or at
/// `end`.
pub(super) async fn wait_until_sent(address: SocketAddr, end: Instant) {
    let sent = async {
        while tables().iter().any(|table| has_unsent(table, address.port())) {
            sleep(LOOK_AGAIN).await;
        }
    };
    if timeout_at(end, sent).await.is_err() {
        log::warn!("some clients have not taken the rest of their answers");
    }
}

/// The connections of this network namespace; none on a system that does not show them in this way.
fn tables() -> Vec<String> {
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect()
}

/// Lines of the table are `number: address:port address:port state unsent:unread …`, in hexadecimal digits (proc(5)).
fn has_unsent(table: &str, port: u16) -> bool {
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().and_then(|address| address.rsplit_once(':'));
        let queues = fields.nth(2).and_then(|queues| queues.split_once(':'));
        let of_server = local.is_some_and(|(_, digits)| u16::from_str_radix(digits, 16) == Ok(port));
        of_server && queues.is_some_and(|(unsent, _)| unsent.bytes().any(|digit| digit != b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[cfg(target_os = "linux")]
    #[actix_web::test]
    async fn a_closed_connection_is_waited_for_until_the_client_has_taken_everything() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(more) = server.write(&[7; 64 << 10]) {
            written += more;
        }
        drop(server);

        let waiting =
            actix_web::rt::spawn(wait_until_sent(address, Instant::now() + Duration::from_secs(60)));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert!(tables().iter().any(|table| has_unsent(table, address.port())));

        let mut taken = Vec::new();
        client.read_to_end(&mut taken).unwrap();
        assert_eq!(taken.len(), written);
        waiting.await.unwrap();
    }

    #[actix_web::test]
    async fn a_client_that_takes_nothing_is_not_waited_for_past_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        while server.write(&[7; 64 << 10]).is_ok() {}
        wait_until_sent(address, Instant::now()).await;
    }

    #[test]
    fn only_connections_of_the_server_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n\
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000005 00:00000000 00000000\n\
                     1: 0100007F:1F91 0100007F:A001 01 00000100:00000000 01:00000020 00000000\n";
        assert!(!has_unsent(table, 8080));
        assert!(has_unsent(table, 8081));
        assert!(!has_unsent(table, 40961));
    }
}

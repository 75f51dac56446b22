use crate::http::testing::Server;
use crate::replica::Role;

fn server() -> Server {
    Server::start(Role::Frontend)
}

#[test]
fn a_put_file_is_complete_and_described() {
    let server = server();
    let answer = server.request("PUT", "/api/uploads/a%20b.txt", &[("Content-Type", "text/plain")], b"abc");
    assert_eq!(answer.status, 201, "{}", answer.text());
    let record = &answer.json()["uploads"][0];
    assert_eq!(record["filename"], "a b.txt");
    assert_eq!(record["content_type"], "text/plain");
    assert_eq!((&record["size_bytes"], &record["state"]), (&3.into(), &"complete".into()));
    assert_eq!(record["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(record["metadata"], "filename YSBiLnR4dA==,filetype dGV4dC9wbGFpbg==");
    let location = answer.header("location").unwrap();
    assert_eq!(server.get(location, &[]).json()["id"], record["id"]);
    assert_eq!(server.get(record["url"].as_str().unwrap(), &[]).body, b"abc");
}

#[test]
fn an_empty_file_is_a_file() {
    let server = server();
    let record = server.store("empty", b"");
    assert_eq!((&record["size_bytes"], &record["state"]), (&0.into(), &"complete".into()));
}

#[test]
fn a_hostile_name_is_only_a_label() {
    let server = server();
    for (name, shown) in [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("%2e%2e", "unnamed"),
        ("a%00%0d%0ab", "ab"),
        ("%E6%96%87.bin", "文.bin"),
        ("%ff", "\u{fffd}"),
        ("100%25", "100%"),
        ("%2541", "%41"),
    ] {
        assert_eq!(server.store(name, b"x")["filename"], shown, "{name}");
    }
}

#[test]
fn a_body_of_unknown_length_ends_where_it_ends() {
    let server = server();
    let mut connection = server.connect();
    connection.send_head("PUT", "/api/uploads/a", &[("Transfer-Encoding", "chunked")]);
    connection.send(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let answer = connection.read("PUT");
    assert_eq!(answer.json()["uploads"][0]["size_bytes"], 5);
}

#[test]
fn a_part_of_a_file_is_400() {
    let server = server();
    let headers = [("Content-Range", "bytes 0-2/10")];
    server.request("PUT", "/api/uploads/a", &headers, b"abc").problem(400, "content_range_unsupported");
    assert!(server.memory.look().uploads.is_empty());
}

#[test]
fn a_put_without_a_name_is_400() {
    let server = server();
    for target in ["/api/uploads/", "/api/uploads"] {
        server.request("PUT", target, &[], b"abc").problem(400, "filename_missing");
    }
}

#[test]
fn a_declared_length_past_the_limit_is_413_before_the_body_is_read() {
    let server = server();
    let mut connection = server.connect();
    connection.send_head("PUT", "/api/uploads/a", &[("Content-Length", "100001")]);
    let problem = connection.read("PUT").problem(413, "too_large");
    assert_eq!(problem["limit"], 100_000);
    assert!(connection.is_over(), "the unsent body must not be taken for the next request");
}

#[test]
fn a_body_that_grows_past_the_limit_is_413_and_leaves_nothing() {
    let server = server();
    let mut connection = server.connect();
    connection.send_head("PUT", "/api/uploads/a", &[("Transfer-Encoding", "chunked")]);
    for _ in 0..101 {
        connection.send(b"3e8\r\n");
        connection.send(&[7; 1000]);
        connection.send(b"\r\n");
    }
    connection.send(b"0\r\n\r\n");
    connection.read("PUT").problem(413, "too_large");
    let store = server.memory.look();
    assert!(store.uploads.is_empty() && store.removed.len() == 1);
}

#[test]
fn an_interrupted_put_leaves_nothing() {
    let server = server();
    for (round, orderly) in [(1, true), (2, false)] {
        let mut connection = server.connect();
        connection.send_head("PUT", "/api/uploads/a", &[("Content-Length", "10")]);
        connection.send(b"abc");
        drop(server.memory.until(|store| store.uploads.values().any(|(upload, _)| upload.offset == 3)));
        match orderly {
            true => {
                connection.finish();
                connection.read("PUT").problem(400, "body_cut_short");
            }
            false => connection.reset(),
        }
        let store = server.memory.until(|store| store.removed.len() == round);
        assert!(store.uploads.is_empty());
    }
}

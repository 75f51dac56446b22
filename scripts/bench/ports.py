"""Who listens where."""

import socket
import time


def is_taken(port):
    """Whether somebody listens already, who would be measured instead. What was just killed gets a moment to be gone."""
    for _ in range(100):
        if not listens(port):
            return False
        time.sleep(0.05)
    return True


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port, path):
    """Whether the answer to a GET is 200. As little as can be: it is asked every millisecond while a server starts."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(request.encode())
            return connection.recv(64)[9:12] == b"200"
    except OSError:
        return False

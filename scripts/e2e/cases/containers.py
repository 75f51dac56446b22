"""The running containers are what the stack file promises, and their logs can be read."""

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from traffic import curl

OURS = ("nginx", "frontend", "backend", "db")


def processes_have_no_privileges_and_a_root_that_is_read_only(stack):
    seen = []
    for short in OURS:
        count = 0
        for container in stack.containers(short):
            for status in filter(None, map(status_of, stack.pids(container))):
                uid, capabilities, no_new = status["Uid"].split()[0], status["CapBnd"].strip(), status["NoNewPrivs"].strip()
                assert uid != "0" and int(capabilities, 16) == 0 and no_new == "1", f"{short} {container}: {status}"
                count += 1
            try:
                os.close(os.open(f"/proc/{stack.pid(container)}/root/written", os.O_CREAT | os.O_WRONLY))
                raise AssertionError(f"the root of {short} {container} can be written to")
            except OSError as error:
                assert error.errno == errno.EROFS, f"not 'Read-only file system' but {error}"
        assert count, f"no process of {short}"
        seen.append(f"{short} {count} processes of uid {uid}")
    return f"{', '.join(seen)}: CapBnd 0, NoNewPrivs 1, EROFS"


def status_of(pid):
    """What the kernel says of a process, or None if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def containers_have_limits_and_logs_that_are_rotated(stack):
    seen = []
    for short in OURS:
        for each in stack.engine.inspect("container", *stack.containers(short)):
            limits, log = each["HostConfig"], each["HostConfig"]["LogConfig"]
            assert limits["Memory"] > 0 and limits["NanoCpus"] > 0 and limits["PidsLimit"] > 0, limits
            assert log["Type"] == "json-file" and log["Config"]["max-size"], log
        seen.append(f"{short} {limits['Memory'] >> 20} MiB, {limits['PidsLimit']} processes")
    return "; ".join(seen)


def portainer_has_the_socket_and_a_volume(stack):
    container = stack.containers("portainer")[0]
    mounts = {each["Destination"]: each["Type"] for each in stack.engine.inspect("container", container)[0]["Mounts"]}
    assert mounts == {"/var/run/docker.sock": "bind", "/data": "volume"}, mounts
    return str(mounts)


def the_secret_is_a_file_and_in_no_environment(stack):
    pid = stack.pid(stack.containers("db")[0])
    secret = Path(f"/proc/{pid}/root/run/secrets/db_password").read_bytes()
    assert len(secret) >= 24, len(secret)
    for short in OURS:
        for pid in [pid for container in stack.containers(short) for pid in stack.pids(container)]:
            for name in ("environ", "cmdline"):
                assert secret not in content(pid, name), f"{name} of {short}"
        pid = stack.pid(stack.containers(short)[0])
        given = Path(f"/proc/{pid}/root/run/secrets/db_password").exists()
        assert given == (short in ("backend", "db")), f"{short}: {given}"
    for service in stack.engine.inspect("service", *(stack.service(short) for short in OURS)):
        assert secret.decode() not in str(service)
    return "in /run/secrets of backend and db alone; in no environment, command line or service definition"


# What PostgreSQL answers to a client that asks whether it speaks TLS is one letter. A connection alone says little: some
# machines stand behind a proxy that accepts one to any address.
PROBE = """
import socket, sys
socket.setdefaulttimeout(3)
database = socket.create_connection((sys.argv[1], 5432))
database.sendall(bytes.fromhex("0000000804d2162f"))
sys.exit(0 if database.recv(1) in (b"N", b"S") else 1)
"""


def content(pid, name):
    """A file of a process in /proc, empty if the process has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def only_backends_reach_the_database(stack):
    database = stack.containers("db")[0]
    seen = []
    for where in network_addresses(stack.pid(database)):
        reached = {short for short in ("backend", "frontend", "nginx") if postgres_answers(stack, short, where)}
        assert reached <= {"backend"}, f"{where}: {reached}"
        seen.append(f"{where} by {' and '.join(reached) or 'nobody'}")
    assert f"{stack.addresses(database)['db_network']} by backend" in seen, seen
    return f"the database answers at {', '.join(seen)}"


def network_addresses(pid):
    """Every IPv4 address in the network namespace of a process, but loopback."""
    lines = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-o", "-4", "addr"],
                           text=True, capture_output=True, check=True).stdout.splitlines()
    found = [line.split()[3].split("/")[0] for line in lines]
    return [address for address in found if not address.startswith("127.")]


def postgres_answers(stack, short, where):
    network = f"--net=/proc/{stack.pid(stack.containers(short)[0])}/ns/net"
    return subprocess.run(["nsenter", network, sys.executable, "-c", PROBE, where], capture_output=True).returncode == 0


LINES = {
    "nginx": r'nginx [0-9a-f]{12} \S+ "GET /api/uploads HTTP/1.1" 200 .*frontend=[0-9a-f]{12} .*request_id=sample-ID ',
    "frontend": r"frontend [0-9a-f]{12} GET /api/uploads 200 \d+ms .*request_id=sample-ID$",
    "backend": r"backend [0-9a-f]{12} GET /api/uploads 200 \d+ms .*request_id=sample-ID$",
    "db": r"database system is ready to accept connections",
}


def the_logs_of_each_service_have_a_line_a_request_with_container_and_request_id(stack):
    number = str(time.time_ns())
    ask(stack, f"sample-{number}")

    def matching(short, pattern):
        return [line for line in log(stack, short) if re.search(pattern, line)]
    samples = []
    for short, pattern in LINES.items():
        pattern = pattern.replace("ID", number)
        lines = stack.until(f"a line of {short} like {pattern}", 20, lambda: matching(short, pattern))
        samples.append(lines[-1])
    return "\n".join(samples)


def a_request_can_be_followed_from_the_edge_to_the_database_by_its_id(stack):
    name = f"follow-{time.time_ns()}"
    said = ask(stack, name)
    assert said == name, said

    def following(short):
        return [line for line in log(stack, short) if name in line]
    return "\n".join(stack.until(f"{short} logs {name}", 20, lambda: following(short))[-1] for short in ("nginx", "frontend", "backend"))


def log(stack, short):
    done = stack.engine.run("service", "logs", "--tail", "50", stack.service(short))
    return (done.stdout + done.stderr).splitlines()


def ask(stack, request_id):
    """Asks for the list of uploads under this request id; returns the id in the answer."""
    return curl(stack, "-o", "/dev/null", "-w", "%header{x-request-id}", "-H", f"X-Request-Id: {request_id}",
                "http://tasks.nginx:8080/api/uploads")

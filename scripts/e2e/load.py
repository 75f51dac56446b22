"""A steady load, for a container on the stack's network: info and version requests, uploads of four kinds, downloads, and
somebody who watches the cluster.

Every request is a connection of its own. Its outcome is one line of JSON on --out. On SIGTERM each client finishes what it
has begun, and every upload that is still kept is read back once more. Needs nothing but Python's own library."""

import argparse
import contextlib
import hashlib
import http.client
import json
import random
import signal
import socket
import sys
import threading
import time
import traceback

MIB = 1 << 20
# Seconds without a byte until a client gives up: longer than the relay holds it while nobody can store its bytes.
PATIENCE = 70
stopping = threading.Event()


class Edge(http.client.HTTPConnection):
    """One request's connection to any nginx. As browsers and curl do, it tries the next address when one does not connect."""

    def __init__(self, hosts):
        super().__init__(hosts[0], 8080, timeout=PATIENCE)
        self.hosts, self.address = hosts, None

    def connect(self):
        problem = OSError(f"no address: {self.hosts}")
        for address in self.addresses():
            try:
                self.sock = socket.create_connection(address, timeout=2)
                self.sock.settimeout(self.timeout)
                # An nginx whose container is gone says nothing, and would be waited for that long.
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for option, value in ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 3), (socket.TCP_KEEPCNT, 3)):
                    self.sock.setsockopt(socket.IPPROTO_TCP, option, value)
                self.address = address[0]
                return
            except OSError as error:
                problem = error
        raise problem

    def addresses(self):
        for host in self.hosts:
            found = socket.getaddrinfo(host, self.port, socket.AF_INET, socket.SOCK_STREAM)
            yield from random.sample([address for *_, address in found], len(found))


class Client:
    """Sends requests of one kind and writes down what became of them."""

    def __init__(self, hosts, out, lock):
        self.hosts, self.out, self.lock = hosts, out, lock

    def note(self, kind, begun, ok, **more):
        line = {"kind": kind, "begun": begun, "ended": time.time(), "ok": ok, **more}
        with self.lock:
            print(json.dumps(line), file=self.out, flush=True)

    @contextlib.contextmanager
    def asked(self, method, path, body=None, headers=None):
        """The answer to one request, its body still unread; `answer.edge` is the address of the nginx that was asked."""
        edge = Edge(self.hosts)
        headers = {"X-Request-Id": f"e2e-{random.getrandbits(64):016x}", **(headers or {})}
        request_id = headers["X-Request-Id"]
        try:
            try:
                edge.request(method, path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                # The answer may have come, and the connection been closed, before all was sent.
                if edge.address is None:
                    raise
            answer = edge.getresponse()
            answer.edge, answer.request_id = edge.address, request_id
            yield answer
        except (OSError, http.client.HTTPException) as error:
            error.edge, error.request_id = edge.address, request_id
            raise
        finally:
            edge.close()

    def ask(self, kind, method, path, body=None, headers=None, expect=(200,), check=None):
        """One request, noted as failed unless it has an expected status and passes `check`. Returns its parsed answer."""
        begun = time.time()
        try:
            with self.asked(method, path, body, headers) as answer:
                payload = answer.read()
                ok, value = answer.status in expect, None
                if ok and payload:
                    value = json.loads(payload)
                problem = check(value) if ok and check else None
                self.note(kind, begun, ok and not problem, status=answer.status, edge=answer.edge, id=answer.request_id,
                          error=problem or (None if ok else payload.decode(errors="replace")[:300]),
                          **who(answer, value))
                return value if ok and not problem else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.note(kind, begun, False, **meeting(error), error=repr(error))
            return None

    def download(self, kind, record, rate=None):
        """Reads a file's content, at most `rate` bytes a second, and compares its digest."""
        begun = time.time()
        try:
            with self.asked("GET", f"/api/uploads/{record['id']}/content") as answer:
                digest, size = hashlib.sha256(), 0
                while piece := answer.read(256 << 10):
                    digest.update(piece)
                    size += len(piece)
                    if rate:
                        time.sleep(len(piece) / rate)
                same = answer.status == 200 and size == record["size_bytes"] and digest.hexdigest() == record["sha256"]
                self.note(kind, begun, same, status=answer.status, edge=answer.edge, id=answer.request_id, bytes=size, **who(answer),
                          error=None if same else f"{size} bytes of {record['size_bytes']}, {digest.hexdigest()}")
        except (OSError, http.client.HTTPException) as error:
            self.note(kind, begun, False, **meeting(error), error=repr(error))


def meeting(error):
    """Of a request that failed: which nginx it went to, and its id in the logs."""
    return {"edge": getattr(error, "edge", None), "id": getattr(error, "request_id", None)}


def who(answer, value=None):
    """Which replicas and versions answered."""
    said = {"frontend": answer.getheader("X-Frontend-Container"), "backend": answer.getheader("X-Backend-Container")}
    if isinstance(value, dict) and "frontend" in value and value.get("backend"):
        said["frontend_version"] = value["frontend"]["version"]
        said["backend_version"] = value["backend"]["version"]
    if isinstance(value, dict) and "git_revision" in value:
        said["version"] = value["version"]
    return said


def content(size):
    """Bytes that no other upload has, and their SHA-256."""
    data = random.randbytes(64 << 10) * (size // (64 << 10))
    return data, hashlib.sha256(data).hexdigest()


def paced(data, rate):
    """The bytes in pieces, about `rate` of them a second."""
    for start in range(0, len(data), 128 << 10):
        piece = data[start:start + (128 << 10)]
        yield piece
        time.sleep(len(piece) / rate)


def info(client):
    def complete(value):
        return None if value["backend_container_id"] else value.get("backend_error", "no backend")
    client.ask("info", "GET", "/frontend-info/", check=complete)
    time.sleep(0.05)


def version(client):
    client.ask("version", "GET", "/version")
    time.sleep(0.2)


kept = []
kept_lock = threading.Lock()


def keep_or_delete(client, record):
    """One of eight uploads stays, to be read back at the end; the others leave room."""
    if random.random() < 1 / 8:
        with kept_lock:
            kept.append(record)
    else:
        client.ask("delete", "DELETE", f"/api/uploads/{record['id']}", expect=(204,))


def put(client, kind, size, rate=None):
    data, digest = content(size)

    def stored(value):
        said = value["uploads"][0]["sha256"]
        return None if said == digest else f"sha256 {said} instead of {digest}"
    body = paced(data, rate) if rate else data
    value = client.ask(kind, "PUT", f"/api/uploads/{kind.replace(' ', '-')}.bin", body, {"Content-Length": str(size)}, (201,), stored)
    if value:
        record = value["uploads"][0]
        client.download("download", record)
        keep_or_delete(client, record)
    time.sleep(0.3)


TUS = {"Tus-Resumable": "1.0.0"}


def tus(client, kind, size, piece, rate=None):
    """A resumable upload. A request that fails is followed by HEAD and a PATCH from there: a resume, not a failure."""
    data, digest = content(size)
    begun, requests, resumes = time.time(), [], []
    try:
        address = None
        while (offset := tus_offset(client, address, resumes)) < size:
            if time.time() - begun > 2 * PATIENCE:
                raise TimeoutError(f"at {offset} of {size} bytes after {len(resumes)} resumes: {resumes[-3:]}")
            if address is None:
                address = tus_create(client, size, resumes)
                continue
            requests.append(f"e2e-{random.getrandbits(64):016x}")
            part = data[offset:offset + piece]
            headers = {**TUS, "Upload-Offset": str(offset), "Content-Length": str(len(part)), "X-Request-Id": requests[-1],
                       "Content-Type": "application/offset+octet-stream"}
            tus_try(client, resumes, "PATCH", address, paced(part, rate) if rate else part, headers, 204)
        record = None
        while record is None and time.time() - begun < 2 * PATIENCE:
            record = client.ask("record", "GET", f"/api/uploads/{address.rsplit('/', 1)[1]}")
            if record is None:
                time.sleep(0.5)
        same = record is not None and record["sha256"] == digest
        client.note(kind, begun, same, requests=requests, resumes=resumes, error=None if same else f"{record} instead of {digest}")
        if same:
            keep_or_delete(client, record)
    except (OSError, http.client.HTTPException, ValueError) as error:
        client.note(kind, begun, False, requests=requests, resumes=resumes, error=repr(error))
    time.sleep(0.3)


def tus_create(client, size, resumes):
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": "filename dHVzLmJpbg==", "Content-Length": "0"}
    answer = tus_try(client, resumes, "POST", "/files/", None, headers, 201)
    return answer and answer.getheader("Location")


def tus_offset(client, address, resumes):
    """Where the upload stands; 0 while it does not exist or nobody can say."""
    if address is None:
        return 0
    answer = tus_try(client, resumes, "HEAD", address, None, TUS, 200)
    while answer is None:
        answer = tus_try(client, resumes, "HEAD", address, None, TUS, 200)
        if len(resumes) > 200:
            raise TimeoutError(f"nobody knows the offset: {resumes[-3:]}")
    return int(answer.getheader("Upload-Offset"))


def tus_try(client, resumes, method, path, body, headers, expect):
    """The answer if it has the expected status; else None, after a moment, and one more in `resumes`."""
    try:
        with client.asked(method, path, body, headers) as answer:
            answer.read()
            if answer.status == expect:
                return answer
            why, met = f"{method} {answer.status}", {"edge": answer.edge, "id": answer.request_id}
    except (OSError, http.client.HTTPException) as error:
        why, met = f"{method} {error!r}", meeting(error)
    resumes.append({"at": time.time(), "why": why, **met})
    time.sleep(0.5)
    return None


def read_slowly(client, seeded):
    client.download("slow download", seeded, rate=3 * MIB)


def watch(client, heard):
    """Listens to what the service tells of its replicas for some seconds, then goes on at whichever frontend comes next."""
    begun, seen, unavailable, name = time.time(), set(), False, None
    try:
        with client.asked("GET", "/api/events", headers=heard.copy()) as answer:
            while answer.status == 200 and time.time() < begun + 5 and (line := answer.readline().decode()):
                field, _, value = line.rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                    unavailable |= name == "unavailable"
                elif field == "id":
                    heard["Last-Event-ID"] = value
                elif field == "data" and name == "replicas":
                    seen.update((each["role"], each["version"], each["state"]) for each in json.loads(value)["replicas"])
            ok = answer.status == 200 and bool(seen)
            client.note("watch", begun, ok, status=answer.status, edge=answer.edge, id=answer.request_id, seen=sorted(seen),
                        unavailable=unavailable, **who(answer), error=None if ok else "no word of the replicas")
    except (OSError, http.client.HTTPException, ValueError) as error:
        client.note("watch", begun, False, **meeting(error), error=repr(error))


def forever(delay, work, *arguments):
    stopping.wait(delay)
    while not stopping.is_set():
        try:
            work(*arguments)
        except Exception:
            arguments[0].note("load", time.time(), False, error=traceback.format_exc())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", nargs="+", default=["tasks.nginx"], help="the first is preferred")
    parser.add_argument("--out", required=True)
    parser.add_argument("--only", help="one kind of client")
    parser.add_argument("--copies", type=int, default=1, help="how many of each kind")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    with open(options.out, "a") as out:
        client = Client(options.host, out, threading.Lock())
        data, digest = content(12 * MIB)
        stored = client.ask("seed", "PUT", "/api/uploads/seed.bin", data, expect=(201,))
        if not stored:
            sys.exit("the first upload failed")
        seeded = {**stored["uploads"][0], "sha256": digest}
        kept.append(seeded)
        clients = {
            "info": (info, client),
            "more info": (info, client),
            "version": (version, client),
            "put": (put, client, "put", 4 * MIB),
            "slow put": (put, client, "slow put", 12 * MIB, 2 * MIB),
            "tus": (tus, client, "tus", 24 * MIB, 8 * MIB),
            # Five seconds, since a frontend that goes ends a longer one on purpose, for its client to resume elsewhere.
            "slow tus": (tus, client, "slow tus", 10 * MIB, 10 * MIB, 2 * MIB),
            "slow download": (read_slowly, client, seeded),
            "watch": (watch, client, {}),
        }
        wanted = [clients[options.only]] if options.only else clients.values()
        # Copies take turns, so that not all of them pause at the same moment.
        threads = [threading.Thread(target=forever, args=(1.5 * copy, *each)) for each in wanted for copy in range(options.copies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for record in kept:
            client.download("audit", record)


if __name__ == "__main__":
    main()

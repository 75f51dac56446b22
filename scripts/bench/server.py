"""A peer's processes, started anew for each measurement, on empty folders and an empty database."""

import http.client
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass

import ports
import postgres
import processes
from fault import Fault
from generator import load
from places import BIN, HERE, PORT, WORK

# Seconds that a server may take to start.
START = 60
# Small files stay until the whole run has ended. ext4 passes over inodes that were freed a short time ago one by one: to delete
# thousands of files between two servers would make the next one's files several times as dear.
KEPT = WORK / "kept"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode()


class Server:
    def __init__(self, peer, variables=None):
        self.peer = peer
        self.run, self.data = WORK / "run", WORK / "data"
        self.keep_files = False
        for folder in (self.run, self.data):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            # nginx's workers, where root starts it, are somebody else.
            folder.chmod(0o755)
        self.environment = {**os.environ, **postgres.VARIABLES, "WORK": str(WORK), "PORT": str(PORT), "DATA": str(self.data),
                            "RUN": str(self.run), "DATABASE_URL": postgres.URL, "BIN": str(BIN), **peer.variables, **(variables or {})}

    def __enter__(self):
        if self.peer.database:
            postgres.empty()
        if ports.is_taken(PORT):
            raise Fault(f"somebody else listens on port {PORT}; BENCH_PORT names another, with some free ones above it")
        if self.peer.prepare:
            self.prepare()
        os.sync()
        self.process, self.start_seconds = self.launch(self.command(), PORT, self.peer.health)
        return self

    def __exit__(self, *_):
        processes.end(self.process)
        if self.keep_files:
            KEPT.mkdir(exist_ok=True)
            self.data.rename(KEPT / str(time.time_ns()))

    def prepare(self):
        done = subprocess.run(self.command("prepare"), env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{self.peer.name} cannot be prepared: {done.stderr[-1000:]}")

    def command(self, *words):
        return [str(HERE / "peers" / self.peer.start), *words]

    def launch(self, command, port, path):
        """Starts a process and waits for its first 200. Returns it, and how long that took."""
        with open(self.run / f"log-{port}", "ab") as log:
            begun = time.perf_counter()
            process = subprocess.Popen(command, env=self.environment, cwd=self.run, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        try:
            while not ports.answers(port, path):
                if process.poll() is not None or time.perf_counter() - begun > START:
                    raise RuntimeError(f"{self.peer.name} does not start: {(self.run / f'log-{port}').read_text()[-1000:]}")
                time.sleep(0.001)
        except BaseException:
            processes.end(process)
            raise
        return process, time.perf_counter() - begun

    def cpu(self):
        seconds = processes.cpu(processes.tree(self.process.pid))
        # The shells that start the rest wait, and no more.
        seconds = {name: used for name, used in seconds.items() if name not in ("bash", "sh")}
        return {**seconds, "postgres": postgres.cpu()} if self.peer.database else seconds

    def url(self, path):
        return f"http://127.0.0.1:{PORT}{path}"

    def get(self, path):
        return self.ask("GET", path)

    def ask(self, method, path, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def upload(self, clients, count, size, first=1):
        """Sends files of that size, the first with the id `first`. Returns what became of it."""
        peer = self.peer
        if peer.by == "rows":
            outcome = load("get", "--url", self.url(f"/rows/{size >> 20}"), "--count", 1)
            stored = size if outcome["ok"] else 0
            return {**outcome, "bytes": stored, "mb_per_s": round(stored / 1e6 / outcome["seconds"], 2) if stored else None}
        return load("upload", "--by", peer.by, "--url", self.url(peer.upload), "--clients", clients, "--count", count, "--size", size,
                    "--first", first, "--patch", peer.patch, "--file-field", peer.field, *self.token())

    def token(self):
        """What a form needs that is protected against other sites (CSRF), as Django has it."""
        if self.peer.token is None:
            return []
        page = self.get(self.peer.token)
        cookie = re.search(r"csrftoken=([^;]+)", page.headers["Set-Cookie"])[1]
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        return ["--header", f"Cookie: csrftoken={cookie}", "--field", f"csrfmiddlewaretoken={token}"]

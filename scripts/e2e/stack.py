"""The deployed stack as the engine sees it: services, tasks, containers, and what happened to them."""

import json
import subprocess
import threading
import time

from engine import Failed
from processes import descendants
from project import ROOT

NAME = "swarm-upload"


class Stack:
    """`engine` is a manager's; `settings` are variables of stack.yml and of the scripts."""

    def __init__(self, engine, settings):
        self.engine = engine
        self.environment = {**engine.environment, **settings}

    def script(self, *command, timeout=900, expect=0, **settings):
        """Runs one of the project's scripts as a user does; returns what it printed. `expect` None is any status."""
        done = subprocess.run(
            [str(part) for part in command], cwd=ROOT, env={**self.environment, **settings}, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if expect not in (None, done.returncode):
            raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def service(self, short):
        return f"{NAME}_{short}"

    def containers(self, short):
        return self.engine.containers_of(self.service(short))

    def healthy(self, short):
        found = self.engine.inspect("container", *self.containers(short))
        return [each["Id"][:12] for each in found if each["State"].get("Health", {}).get("Status") == "healthy"]

    def scale(self, **counts):
        """Scales services at once, and waits until so many tasks are healthy and no others are left; returns their ids."""
        self.engine.run("service", "scale", "--detach", *(f"{self.service(short)}={count}" for short, count in counts.items()))
        return [container for short, count in counts.items() for container in self.healthy_count(short, count)]

    def update(self, short, *options, timeout=600):
        """A rolling update; returns how it ended (`completed`, `rollback_completed`, …)."""
        self.engine.run("service", "update", "--detach", "--no-resolve-image", *options, self.service(short))
        return self.until(f"the update of {short} ends", timeout, lambda: self.ended_update(short))

    def ended_update(self, short):
        state = self.engine.inspect("service", self.service(short))[0].get("UpdateStatus", {}).get("State", "")
        return None if state in ("", "updating", "rollback_started") else state

    def until(self, what, timeout, condition):
        """The first true value of `condition()`, asked again and again: an engine tells its state only when asked."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise Failed(f"not within {timeout} s: {what}\n{self.state()}")
            time.sleep(0.3)
        return value

    def healthy_count(self, short, count, timeout=120):
        """Waits until exactly so many containers run and are healthy; returns their ids."""
        def all_healthy():
            running, healthy = self.containers(short), self.healthy(short)
            return healthy if len(running) == len(healthy) == count else None
        return self.until(f"{count} healthy tasks of {short}", timeout, all_healthy)

    def state(self):
        return self.engine.run("stack", "ps", "--no-trunc", NAME, check=False).stdout

    def addresses(self, container):
        """The container's address on each network."""
        networks = self.engine.inspect("container", container)[0]["NetworkSettings"]["Networks"]
        return {name: network["IPAddress"] for name, network in networks.items()}

    def pids(self, container):
        """Every process of the container, by its number on this machine; without those of its health checks."""
        return descendants({self.pid(container)})

    def pid(self, container):
        return self.engine.inspect("container", container)[0]["State"]["Pid"]


class Events:
    """When containers started, got healthy and were told to end. Use as a context manager: it notes as long as that."""

    KINDS = ("start", "kill", "health_status")

    def __init__(self, engine):
        filters = [part for kind in self.KINDS for part in ("--filter", f"event={kind}")]
        self.process = subprocess.Popen(
            ["docker", "events", "--filter", "type=container", *filters, "--format", "{{json .}}"],
            env=engine.environment, text=True, stdout=subprocess.PIPE)
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            self.seen.append((event["timeNano"] / 1e9, event["Action"], event["Actor"]["ID"][:12]))

    def when(self, action, container):
        """The first moment (seconds since 1970) at which this happened to the container."""
        return next(at for at, what, who in self.seen if what == action and who == container)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.reader.join()

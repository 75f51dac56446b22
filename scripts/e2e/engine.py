"""The Docker engine that a test talks to."""

import json
import os
import subprocess


class Failed(Exception):
    """A command did not do what it was asked to; the text holds its output."""


class Engine:
    """Runs `docker` against one engine. `address` is a value for DOCKER_HOST, or None for the default."""

    def __init__(self, address=None):
        self.environment = dict(os.environ)
        if address:
            self.environment["DOCKER_HOST"] = address

    def run(self, *arguments, check=True, timeout=120, **more):
        """A finished process of `docker ARGUMENTS…` with its output as text."""
        command = ["docker", *map(str, arguments)]
        done = subprocess.run(
            command, env=self.environment, text=True, capture_output=True, timeout=timeout, **more)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done

    def read(self, *arguments, **more):
        """What `docker ARGUMENTS…` prints."""
        return self.run(*arguments, **more).stdout.strip()

    def lines(self, *arguments, **more):
        return self.read(*arguments, **more).splitlines()

    def inspect(self, kind, *names):
        """What the engine knows of containers, services, tasks or nodes: a list in the order of the names."""
        return json.loads(self.read("inspect", "--type", kind, *names)) if names else []

    def containers_of(self, service):
        """The ids of the containers of a service that run on this engine, as `docker ps` prints them."""
        return self.lines("ps", "--filter", f"label=com.docker.swarm.service.name={service}", "--format", "{{.ID}}")

    def answers(self):
        return self.run("version", "--format", "{{.Server.Version}}", check=False).returncode == 0

    def in_swarm(self):
        return self.read("info", "--format", "{{.Swarm.LocalNodeState}}") != "inactive"

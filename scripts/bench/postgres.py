"""A PostgreSQL of the benchmark's own, as durable as one in production and with the settings of stack.yml."""

import atexit
import os
import pwd
import re
import signal
import subprocess
import time

import ports
import processes
from fault import Fault
from places import POSTGRES_PORT, PROJECT, WORK

FOLDER = WORK / "postgres"
USER = DATABASE = "bench"
VARIABLES = {"PGHOST": "127.0.0.1", "PGPORT": str(POSTGRES_PORT), "PGUSER": USER, "PGDATABASE": DATABASE}
URL = f"postgres://{USER}@127.0.0.1:{POSTGRES_PORT}/{DATABASE}?sslmode=disable"
PROGRAMS = ("initdb", "postgres", "pg_isready", "psql", "pgbench")
# How long a checkpoint or a shutdown may take.
PATIENCE = 120

server = None


def programs():
    """The folder of PostgreSQL's programs, as scripts/bench.sh found it."""
    return os.environ.get("PG_BIN", "/usr/bin")


def as_its_user():
    """PostgreSQL refuses to run as root; and it ends with this process, whatever ends that."""
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        command += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    return [*command, "--"]


def settings():
    """Those of the database in stack.yml."""
    command = re.search(r"command: \[postgres, (.*)\]", (PROJECT / "stack.yml").read_text())
    return command[1].split(", ")


def start():
    """Starts it unless it runs. It ends with the benchmark."""
    global server
    if server:
        return
    if missing := [name for name in PROGRAMS if not os.access(f"{programs()}/{name}", os.X_OK)]:
        raise Fault(f"{programs()} has no {', '.join(missing)}; PG_BIN names the folder of PostgreSQL's programs")
    if ports.is_taken(POSTGRES_PORT):
        raise Fault(f"somebody else listens on port {POSTGRES_PORT}, which PostgreSQL is to have; BENCH_POSTGRES_PORT names another")
    if not (FOLDER / "PG_VERSION").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            os.chown(FOLDER, pwd.getpwnam("postgres").pw_uid, -1)
        initdb = [f"{programs()}/initdb", "--pgdata", str(FOLDER), "--username", USER, "--auth", "trust", "--encoding", "UTF8"]
        done = subprocess.run([*as_its_user(), *initdb, "--locale", "C"], cwd="/", capture_output=True, text=True)
        if done.returncode:
            raise Fault(f"initdb failed; its user has to be able to reach {FOLDER} (BENCH_DIR names another place): "
                               + done.stderr.strip())
    command = [f"{programs()}/postgres", "-D", str(FOLDER), "-p", str(POSTGRES_PORT), *settings(),
               "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    with open(WORK / "postgres.log", "wb") as log:
        server = subprocess.Popen([*as_its_user(), *command], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  start_new_session=True)
    atexit.register(stop)
    wait()
    # What a run that was killed has set would be kept with the folder.
    query("ALTER SYSTEM RESET ALL;\nSELECT pg_reload_conf();", "postgres")


def wait():
    """Until it answers, and not another one in its place: whose database would be dropped."""
    for _ in range(600):
        ready = subprocess.run([f"{programs()}/pg_isready", "--quiet", "--dbname", "postgres"], env=environment()).returncode == 0
        if server.poll() is not None:
            break
        if ready and query("SHOW data_directory", "postgres") == str(FOLDER):
            return
        time.sleep(0.1)
    raise Fault("PostgreSQL does not start: " + (WORK / "postgres.log").read_text()[-1000:])


def stop():
    global server
    if server:
        # Fast shutdown.
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE)
        server = None


def environment():
    return {**os.environ, **VARIABLES}


def query(sql, database=DATABASE):
    """Runs statements, each in a transaction of its own. Returns what they print."""
    command = [f"{programs()}/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database]
    done = subprocess.run(command, input=sql, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise Fault(f"SQL failed: {done.stderr.strip()}")
    return done.stdout.strip()


def empty():
    """An empty database, on a server that has nothing left to do of what was before."""
    start()
    query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE);\nCREATE DATABASE {DATABASE};", "postgres")
    settle()


def settle():
    query("CHECKPOINT", "postgres")


def cpu():
    """Seconds, background processes and ended sessions included."""
    return sum(processes.cpu(processes.tree(server.pid)).values()) if server else 0

"""A gateway on this machine to measure: what `skinkctl init` makes, broker, service and devices, in a folder that goes in the end.

Loopback only, on free ports. What it starts it stops by its pid.
"""

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLEET = "bench"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop_on_signals():
    """So that what was started is stopped."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Gateway:
    """Use it in `with`: processes and folder go with it."""

    def __init__(self, programs, devices, edges=1, keep=None):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.programs, self.devices, self.edges = Path(programs).resolve(), devices, edges
        self.is_kept = keep is not None
        self.work = Path(keep or tempfile.mkdtemp(prefix="skink-bench-")).resolve()
        self.work.mkdir(exist_ok=True)
        self.work.chmod(0o755)  # the broker runs as its own user
        self.folder = self.work / "gw"
        self.port, self.http_port = free_port(), free_port()
        self.running = {}
        self.commands = {}

    def __enter__(self):
        try:
            said = self.run("skinkctl", "init", self.folder, "--fleet", FLEET, "--host", "localhost", "--devices", self.devices,
                            "--port", self.port, "--bind", "127.0.0.1", "--http", f"127.0.0.1:{self.http_port}")
            self.token = re.search(r"skink_[0-9a-f]{64}", said).group(0)
            self.run("skinkctl", "provision", "--fleet", FLEET, "--pki", self.folder / "pki", "--broker",
                     f"localhost:{self.port}", "--count", self.devices)
            self.start_broker()
            self.start_service()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in list(self.running)[::-1]:
            self.end(name)
        if not self.is_kept:
            shutil.rmtree(self.work, ignore_errors=True)

    def run(self, program, *arguments):
        done = subprocess.run([self.programs / program, *map(str, arguments)], capture_output=True, text=True, cwd=self.work)
        if done.returncode != 0:
            sys.exit(f"{program} {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def start(self, name, *command):
        self.commands[name] = list(map(str, command))
        self.start_again(name)

    def start_again(self, name):
        with open(self.work / f"{name}.log", "a") as log:
            self.running[name] = subprocess.Popen(self.commands[name], stdout=log, stderr=log, cwd=self.work)

    def end(self, name, number=signal.SIGTERM):
        process = self.running.pop(name)
        process.send_signal(number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start_broker(self):
        mosquitto = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin") or sys.exit("mosquitto is not installed")
        self.start("broker", mosquitto, "-c", self.folder / "broker/mosquitto.conf")
        self.until("the broker listens", lambda: self.listens(self.port))

    def start_service(self):
        self.start("service", self.programs / "skink-coordinator", "--config", self.folder / "coordinator.toml")
        self.until("the service listens", lambda: self.get("/health/live")[0] == 200)

    def start_devices(self, experiment, settings, are_lasting=False):
        """All of them, shared among `edges` processes; lasting ones keep what they have over a restart. They give way to the
        gateway, since real ones have processors of their own."""
        overrides = [text for key, value in settings.items() for text in ("--set", f"{key}={value}")]
        first = 0
        for i in range(self.edges):
            count = (self.devices - first) // (self.edges - i)
            self.start(f"edge-{i}", "nice", "-n", 19, self.programs / "skink-edge", "--experiment", experiment, *overrides, "--broker",
                       f"127.0.0.1:{self.port}", "--fleet", FLEET, "--identity", self.folder / "pki", "--first", first,
                       "--count", count, "--threads", 1, "--quiet",
                       *(["--state", self.work / f"edge-{i}.state"] if are_lasting else []))
            first += count

    def queue(self, experiment, settings, **more):
        order = {"experiment": Path(experiment).read_text(), "set": settings, **more}
        status, body = self.get("/api/v1/runs", json.dumps(order))
        if status not in (200, 201, 202):
            sys.exit(f"the run is refused: {status} {body.decode()}")
        return json.loads(body)["number"]

    def get(self, path, body=None, timeout=15):
        """Status and body, over the unix socket; 0 where there is no answer."""
        connection = UnixConnection(str(self.folder / "state/api.sock"), timeout)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request("POST" if body else "GET", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as why:
            return 0, str(why).encode()
        finally:
            connection.close()

    def status(self):
        status, body = self.get("/api/v1/status")
        return json.loads(body) if status == 200 else {}

    def items(self, path):
        """Of a list; it must be answered."""
        status, body = self.get(path)
        if status != 200:
            sys.exit(f"{path}: {status} {body.decode()}")
        return json.loads(body)["items"]

    def store(self, run):
        """Of a run, to be read."""
        return sqlite3.connect(f"file:{self.store_path(run)}?mode=ro", uri=True, timeout=20)

    def store_path(self, run):
        return self.folder / f"state/runs/{run}/store.db"

    def rounds_done(self, run):
        """From the run's store, so that no request is needed."""
        if not self.store_path(run).exists():
            return 0
        try:
            last = self.store(run).execute("SELECT max(round) FROM rounds").fetchone()[0]
            return 0 if last is None else last + 1
        except sqlite3.OperationalError:
            return 0  # it is being made

    def rate(self, run, seconds):
        """Rounds in a second over so many seconds."""
        began, before = time.monotonic(), self.rounds_done(run)
        time.sleep(seconds)
        after, ended = self.rounds_done(run), time.monotonic()
        return (after - before) / (ended - began)

    def memory_kb(self, name, field="VmRSS"):
        text = Path(f"/proc/{self.running[name].pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", text).group(1))

    def cpu_s(self, name):
        fields = Path(f"/proc/{self.running[name].pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def until(self, what, is_so, seconds=60):
        end = time.monotonic() + seconds
        while not is_so():
            for name, process in self.running.items():
                if process.poll() is not None:
                    sys.exit(f"{name} has ended: {(self.work / f'{name}.log').read_text()[-2000:]}")
            if time.monotonic() > end:
                sys.exit(f"not in {seconds} s: {what}; {self.status()}")
            time.sleep(0.1)

    @staticmethod
    def listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

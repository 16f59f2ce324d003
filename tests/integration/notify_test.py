#!/usr/bin/env python3
"""What the services tell the service manager, on a real NOTIFY_SOCKET: ready when they serve, what they do, that their loop
turns, reloading, the end. A process that hangs (SIGSTOP) feeds no watchdog."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
BIN = pathlib.Path(os.environ["SKINK_BIN_DIR"])
WATCHDOG_US = 600_000
children = []


def fail(text):
    sys.exit(f"FAILED: {text}")


class Manager:
    """The socket of a service manager, and what came to it."""

    def __init__(self, path):
        self.path, self.unread = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(0.1)

    def receive(self, seconds):
        """What came and was not read yet, and what comes within this time: a list of lines."""
        came, self.unread = self.unread, []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                came += self.socket.recv(65536).decode().splitlines()
            except TimeoutError:
                pass
        return came

    def wait_for(self, wanted, seconds=20):
        """Until a line begins like that. Returns all lines up to it; those after it are read next."""
        came, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            came += self.receive(0.1)
            for i, line in enumerate(came):
                if line.startswith(wanted):
                    self.unread = came[i + 1:]
                    return came[:i + 1]
        fail(f"no {wanted} in {seconds} s, but {came}")


def start(command, log, **environment):
    child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment})
    children.append(child)
    return child


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configure(work, port):
    pki = work / "pki"
    path = work / "coordinator.toml"
    path.write_text(f'[coordinator]\nstate = "state"\n'
                    f'[broker]\nhost = "127.0.0.1"\nport = {port}\nca = "{pki}/ca.pem"\n'
                    f'certificate = "{pki}/coordinator/cert.pem"\nkey = "{pki}/coordinator/key.pem"\n'
                    f'[release]\npki = "release"\n'
                    f'[fleet]\nname = "demo"\nmaster_key = "{pki}/master.key"\n')
    return path


def hears(manager, process, name):
    """A second of a loop that turns feeds the watchdog; a stopped process does not, and goes on."""
    manager.receive(0.1)
    beats = manager.receive(1.2).count("WATCHDOG=1")
    if beats < 3:
        fail(f"{name}: {beats} beats in 1.2 s, with an interval of {WATCHDOG_US} us")
    process.send_signal(signal.SIGSTOP)
    manager.receive(0.3)
    silent = manager.receive(1.2)
    if silent:
        fail(f"{name}: a stopped process says {silent}")
    process.send_signal(signal.SIGCONT)
    manager.wait_for("WATCHDOG=1", 5)


def ends(manager, process, name):
    manager.receive(0)
    process.send_signal(signal.SIGTERM)
    came = manager.wait_for("STOPPING=1", 10)
    code = process.wait(20)
    if code != 0:
        fail(f"{name} ended with {code}")
    came += manager.receive(0.3)
    if "READY=1" in came[came.index("STOPPING=1"):]:
        fail(f"{name} says READY=1 after STOPPING=1: {came}")
    if "STATUS=stopping" not in came:
        fail(f"{name}: no status of the end: {came}")


def check_coordinator(work, port, log):
    manager = Manager(str(work / "coordinator.notify"))
    watched = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": str(WATCHDOG_US)}
    service = start([BIN / "skink-coordinator", "--config", configure(work, port)], log, **watched)
    first = manager.wait_for("READY=1")
    if first[0] != "READY=1":
        fail(f"not READY=1 is said first, but {first}")
    status = subprocess.run([BIN / "skinkctl", "status", "--socket", work / "state/api.sock"], stdout=log, stderr=log)
    if status.returncode != 0:
        fail("READY=1 is said, and the service does not answer")
    manager.wait_for("STATUS=idle; 0 devices online")
    hears(manager, service, "skink-coordinator")
    service.send_signal(signal.SIGHUP)
    came = manager.wait_for("READY=1")
    if "RELOADING=1" not in came or not any(line.startswith("MONOTONIC_USEC=") for line in came):
        fail(f"SIGHUP: {came}")
    subprocess.run([BIN / "skinkctl", "runs", "queue", "--socket", work / "state/api.sock", ROOT / "experiments/sine.toml"],
                   stdout=log, stderr=log, check=True)
    manager.wait_for("STATUS=waiting: ")
    return manager, service


def check_edge(work, port, log, coordinator):
    manager = Manager(str(work / "edge.notify"))
    edge = start([BIN / "skink-edge", "--experiment", ROOT / "experiments/sine.toml", "--broker", f"127.0.0.1:{port}",
                  "--fleet", "demo", "--identity", work / "pki", "--count", "2", "--quiet"], log,
                 NOTIFY_SOCKET=manager.path, WATCHDOG_USEC=str(WATCHDOG_US))
    manager.wait_for("READY=1")
    manager.wait_for("STATUS=2 of 2 devices are connected")
    came = coordinator.wait_for("STATUS=waiting: ")
    while not any(line.endswith("; 2 devices online") for line in came):
        came = coordinator.wait_for("STATUS=waiting: ")
    hears(manager, edge, "skink-edge")
    ends(manager, edge, "skink-edge")


def check_fault(work, port, log):
    """A manager that cannot be told is said once, and is no reason to stop."""
    path = work / "fault.log"
    with open(path, "w") as said:
        edge = start([BIN / "skink-edge", "--experiment", ROOT / "experiments/sine.toml", "--broker", f"127.0.0.1:{port}",
                      "--fleet", "demo", "--identity", work / "pki", "--count", "1"], said,
                     NOTIFY_SOCKET=str(work / "absent"), WATCHDOG_USEC=str(WATCHDOG_US))
        time.sleep(2)
        if edge.poll() is not None:
            fail(f"it stopped: {path.read_text()}")
        edge.terminate()
        edge.wait(20)
    if path.read_text().count("the service manager cannot be told") != 1:
        fail(f"said otherwise than once: {path.read_text()}")


def run(work):
    subprocess.run([ROOT / "scripts/make-pki", work / "pki", "--count", "2", "--fleet", "demo"], check=True)
    port = free_port()
    with open(work / "log", "w") as log:
        start([ROOT / "scripts/broker", work / "broker", "--port", str(port), "--pki", work / "pki", "--fleet", "demo"], log)
        try:
            manager, service = check_coordinator(work, port, log)
            check_edge(work, port, log, manager)
            ends(manager, service, "skink-coordinator")
            check_fault(work, port, log)
        except BaseException:
            print((work / "log").read_text()[-3000:])
            raise


with tempfile.TemporaryDirectory() as folder:
    try:
        run(pathlib.Path(folder))
    finally:
        for child in reversed(children):
            if child.poll() is None:
                child.kill()
                child.wait()
print("ready, status, watchdog, reload and the end are told; a stopped process tells nothing")

"""A broker of the tool's own, with keys and certificates (scripts/broker, scripts/make-pki), and a relay in front of it:
devices connect to the relay, which can cut their connections. TLS passes through it unchanged.
"""

import contextlib
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]


class CannotStart(Exception):
    """A program or a port that is needed is not to be had."""


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def stop(process, seconds=0.5, group=False):
    """Ends a process that was started here."""
    def send(signal_):
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(process.pid, signal_)

    if process.poll() is None:
        send(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
    if process.poll() is None or group:
        send(signal.SIGKILL)
        process.wait()


class Relay:
    """Passes bytes from the connections that it accepts to 127.0.0.1:target and back."""

    def __init__(self, address, port, target):
        self.target, self.pairs, self.is_open, self.accepted = target, {}, True, 0
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.lock, self.ended = threading.Lock(), False
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ended:
            for key, _ in self.selector.select(0.1):
                with self.lock:
                    if key.fileobj is self.listener:
                        self._accept()
                    elif key.fileobj in self.pairs:
                        self._pass_on(key.fileobj)

    def _accept(self):
        device, _ = self.listener.accept()
        if not self.is_open:
            device.close()
            return
        try:
            broker = socket.create_connection(("127.0.0.1", self.target), 2)
        except OSError:
            device.close()
            return
        self.accepted += 1
        for one, other in ((device, broker), (broker, device)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs[one] = other
            self.selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one):
        try:
            data = one.recv(65536)
            if data:
                self.pairs[one].sendall(data)
                return
        except OSError:
            pass
        self._close(one)

    def _close(self, one):
        for end in (one, self.pairs.get(one)):
            if self.pairs.pop(end, None) is not None:
                self.selector.unregister(end)
                end.close()

    def cut(self, stay_cut=False):
        """Ends all connections. New ones are accepted unless they are to stay cut."""
        with self.lock:
            self.is_open = not stay_cut
            for one in list(self.pairs):
                self._close(one)

    def reopen(self):
        with self.lock:
            self.is_open = True

    def close(self):
        self.ended = True
        self.thread.join()
        self.cut()
        self.listener.close()


class Broker:
    """mosquitto with TLS on a free port of 127.0.0.1, and the relay on `address`:`port` (0: a free one)."""

    def __init__(self, work, fleet, devices, prefix="device-", address="127.0.0.1", port=0, pki=None):
        self.work, self.fleet = pathlib.Path(work), fleet
        self.pki = pathlib.Path(pki) if pki else self.work / "pki"
        made = subprocess.run([ROOT / "scripts/make-pki", self.pki, "--count", str(devices), "--prefix", prefix,
                               "--fleet", fleet], capture_output=True, text=True, start_new_session=True)
        if made.returncode != 0:
            raise CannotStart(f"scripts/make-pki: {made.stderr.strip()}")
        self.process, self.own_port = None, 0
        self.start_on_free_port()
        try:
            self.relay = Relay(address, port, self.own_port)
        except OSError as error:
            stop(self.process)
            raise CannotStart(f"{address}:{port}: {error.strerror}") from error
        self.port = self.relay.port

    def start_on_free_port(self, tries=3):
        """Somebody else may take a port that was free a moment ago."""
        for left in range(tries - 1, -1, -1):
            self.own_port = free_port()
            try:
                return self.start()
            except CannotStart:
                if left == 0:
                    raise

    def start(self):
        with open(self.work / "broker.log", "a") as log:
            self.process = subprocess.Popen(
                [ROOT / "scripts/broker", self.work / "broker", "--port", str(self.own_port), "--pki", self.pki,
                 "--fleet", self.fleet], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.own_port), 0.2):
                return
            time.sleep(0.02)
        stop(self.process)
        raise CannotStart("the broker did not start: " + (self.work / "broker.log").read_text().strip())

    def restart(self):
        """All connections end, and what was retained is gone."""
        stop(self.process)
        self.relay.cut()
        self.start()

    def tls(self, client="coordinator"):
        folder = self.pki / client
        return str(self.pki / "ca.pem"), str(folder / "cert.pem"), str(folder / "key.pem")

    def close(self):
        self.relay.close()
        stop(self.process)


class Program:
    """What is to be checked, if it is the tool that starts it: a command of the shell, in a group of its own."""

    def __init__(self, command, environment, log):
        self.command, self.environment, self.log = command, environment, pathlib.Path(log)
        self.start()

    def start(self):
        with open(self.log, "a") as out:
            self.process = subprocess.Popen(self.command, shell=True, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True, env={**os.environ, **self.environment})

    def kill(self):
        """As at a loss of power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self):
        self.kill()
        self.start()

    def ends_within(self, seconds):
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        return self.process.poll() is not None

    def close(self):
        stop(self.process, group=True)

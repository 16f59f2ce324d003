#!/usr/bin/env python3
"""Counts what a capture of one device's link holds, beside what simulations/wire predicts. For scripts/measure-wire.

    wire_capture.py rounds CAPTURE --port P --begin T --end T --updates CSV --store FILE --device ID --program PROGRAM
                    --link host|microcontroller --experiment FILE [--set KEY=VALUE]... [--kept] [--check PERCENT]
    wire_capture.py connections CAPTURE --port P --name NAME

T is Unix time in seconds. `rounds` looks at packets between two moments in which nothing is said, `connections` at the
connections that were made. Both print lines of a Markdown table. Needs a capture of whole packets in the classic format.
"""

import argparse
import csv
import sqlite3
import struct
import subprocess
import sys
from collections import namedtuple

from pcap import Unusable, read_ip

UP, DOWN = "up", "down"
SYN = 0x02
TCP = 6
APPLICATION_DATA, HANDSHAKE = 23, 22
SERVER_HELLO, CERTIFICATE = 2, 11
SUPPORTED_VERSIONS, PRE_SHARED_KEY = 43, 41
PAUSE = 0.5  # seconds; longer than a handshake takes anywhere, shorter than scripts/measure-wire waits after it
# Cipher suites: what they are called, what a record of them is longer than its content. TLS 1.3 hides the type of the
# content in one byte more; TLS 1.2 sends the explicit part of the nonce.
SUITES = {
    0x1301: ("TLS 1.3, AES-128-GCM", 5 + 1 + 16),
    0x1302: ("TLS 1.3, AES-256-GCM", 5 + 1 + 16),
    0x1303: ("TLS 1.3, ChaCha20-Poly1305", 5 + 1 + 16),
    0xC02B: ("TLS 1.2, AES-128-GCM", 5 + 8 + 16),
    0xC02C: ("TLS 1.2, AES-256-GCM", 5 + 8 + 16),
    0xCCA9: ("TLS 1.2, ChaCha20-Poly1305", 5 + 16),
}

Segment = namedtuple("Segment", "time port side ip_bytes header_bytes sequence flags data")
Record = namedtuple("Record", "time side kind body")


def read_segments(path, broker_port):
    """TCP segments over IPv4 over Ethernet, in the order of the capture."""
    segments = []
    for time, ip in read_ip(path):
        if ip[9] != TCP:
            continue
        ip_bytes = struct.unpack(">H", ip[2:4])[0]
        tcp = ip[(ip[0] & 15) * 4:ip_bytes]  # short frames are padded
        source, destination, sequence = struct.unpack(">HHI", tcp[:8])
        if broker_port not in (source, destination):
            continue
        data = tcp[(tcp[12] >> 4) * 4:]
        side, port = (UP, source) if destination == broker_port else (DOWN, destination)
        segments.append(Segment(time, port, side, ip_bytes, ip_bytes - len(data), sequence,
                                tcp[13], data))
    return segments


class Stream:
    """One direction of a connection: new bytes in order, and what came twice."""

    def __init__(self):
        self.next = None
        self.again = []  # (time, bytes) of IP packets that brought nothing new
        self.buffer = b""
        self.records = []

    def take(self, segment):
        """True if the segment is part of the undisturbed conversation."""
        if segment.flags & SYN:
            self.next = (segment.sequence + 1) % 2**32
            return True
        if not segment.data:
            return True
        if self.next is None:
            raise Unusable("the capture begins inside a connection")
        ahead = (segment.sequence - self.next + 2**31) % 2**32 - 2**31
        if ahead > 0:
            raise Unusable("packets are missing in the capture")
        fresh = segment.data[-ahead:] if ahead else segment.data
        if not fresh or -ahead >= len(segment.data):
            self.again.append((segment.time, segment.ip_bytes))
            return False
        self.next = (self.next + len(fresh)) % 2**32
        self.buffer += fresh
        self.cut_records(segment)
        return True

    def cut_records(self, segment):
        while len(self.buffer) >= 5:
            kind, length = self.buffer[0], struct.unpack(">H", self.buffer[3:5])[0]
            if len(self.buffer) < 5 + length:
                return
            self.records.append(Record(segment.time, segment.side, kind, self.buffer[5:5 + length]))
            self.buffer = self.buffer[5 + length:]


class Connection:
    def __init__(self):
        self.streams = {UP: Stream(), DOWN: Stream()}
        self.segments = []
        self.begin = None

    def take(self, segment):
        if self.begin is None:
            self.begin = segment.time
        if self.streams[segment.side].take(segment):
            self.segments.append(segment)

    def handshake_messages(self):
        """Types of the broker's handshake messages that are not encrypted, and its hello."""
        types, hello = [], None
        for record in self.streams[DOWN].records:
            if record.kind != HANDSHAKE:
                break
            body = record.body
            while len(body) >= 4:
                length = int.from_bytes(body[1:4], "big")
                types.append(body[0])
                if body[0] == SERVER_HELLO:
                    hello = body[4:4 + length]
                body = body[4 + length:]
        if hello is None:
            raise Unusable("a connection without the broker's hello")
        return types, hello

    def security(self):
        """(name, bytes that a record adds, whether a session was resumed)"""
        types, hello = self.handshake_messages()
        session = hello[34]
        suite = struct.unpack(">H", hello[35 + session:37 + session])[0]
        if suite not in SUITES:
            raise Unusable(f"cipher suite {suite:#06x} is not in the list")
        extensions, at = set(), 40 + session
        while at + 4 <= len(hello):
            kind, length = struct.unpack(">HH", hello[at:at + 4])
            extensions.add(kind)
            at += 4 + length
        name, overhead = SUITES[suite]
        is_13 = SUPPORTED_VERSIONS in extensions
        return name, overhead, PRE_SHARED_KEY in extensions if is_13 else CERTIFICATE not in types

    def first_pause(self):
        """When the device has said all that it says of itself: TLS stands, and there is a pause."""
        stands = next((r.time for r in self.streams[DOWN].records if r.kind == APPLICATION_DATA), 0)
        times = [segment.time for segment in self.segments]
        pauses = (a + PAUSE / 2 for a, b in zip(times, times[1:]) if a >= stands and b - a > PAUSE)
        return next(pauses, times[-1] + PAUSE)

    def ip_bytes(self, side, end):
        return sum(s.ip_bytes for s in self.segments if s.side == side and s.time < end)

    def layers(self, side, begin, end):
        """(MQTT, TLS, TCP/IP) bytes."""
        overhead = self.security()[1]
        records = [r for r in self.streams[side].records if begin <= r.time < end]
        if any(r.kind != APPLICATION_DATA for r in records):
            raise Unusable("TLS was busy with itself during the rounds")
        mqtt = sum(5 + len(r.body) - overhead for r in records)
        headers = sum(s.header_bytes for s in self.segments if s.side == side and begin <= s.time < end)
        return mqtt, overhead * len(records), headers

    def after_presence(self, side, begin):
        """When the coordinator's challenge (down) or the birth that answers it (up) has passed: once a connection, no
        part of a round."""
        overhead = self.security()[1]
        least = 60 if side == UP else 0  # an acknowledgement goes up before the birth
        passed = (r.time for r in self.streams[side].records if r.time >= begin and 5 + len(r.body) - overhead > least)
        return next(passed, begin) + 1e-6

    def acknowledgements(self, side, begin, end):
        return sum(1 for s in self.segments if s.side == side and not s.data and begin <= s.time < end)


def connections_of(segments):
    """In the order in which they were opened. What is left of older ones, of a device that was switched off, is ignored."""
    found, open_ones = [], {}
    for segment in segments:
        if segment.side == UP and segment.flags & SYN and segment.port not in open_ones:
            open_ones[segment.port] = Connection()
            found.append(open_ones[segment.port])
        if segment.port in open_ones:
            open_ones[segment.port].take(segment)
    return found


# ---- device-rounds --------------------------------------------------------------------------------------------------

def read_updates(path, device):
    """The device's lines: (round, index, bytes)."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = [(int(row["round"]), int(row["device_index"]), int(row["bytes"])) for row in csv.DictReader(file)
                 if row["device"] == device]
    if not lines:
        raise Unusable(f"no update of {device} in {path}")
    return lines


def read_patches(path, rounds):
    """{round: bytes of its encoded step}; empty if models are sent whole."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
        patches = dict(store.execute("SELECT round, COALESCE(LENGTH(bytes), 0) FROM patches"))
    if patches and min(patches) > 0:  # the chain from there on would be longer than the model
        raise Unusable(f"of {rounds} rounds the coordinator keeps the steps of the last {len(patches)}: use fewer --rounds")
    return patches


def predict(arguments, updates):
    """{side: (MQTT, TLS, TCP/IP)} of all device-rounds together."""
    patches = read_patches(arguments.store, len(updates))
    lines = "".join(f"{number} {index} {len(arguments.device)} {len(arguments.fleet)} "
                    f"{int(arguments.kept and number > 0)} {arguments.chunk_bytes} {encoded} {patches.get(number - 1, 0)}\n"
                    for number, index, encoded in updates)
    command = [arguments.program, "rounds", arguments.link, arguments.experiment, *arguments.set]
    answer = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise Unusable(answer.stderr.strip())
    sums = [sum(column) for column in zip(*([int(word) for word in line.split()] for line in answer.stdout.splitlines()))]
    return {side: (sums[i] + sums[2 + i], sums[4 + i], sums[6 + i]) for i, side in enumerate((UP, DOWN))}


def count_rounds(arguments):
    everything = connections_of(read_segments(arguments.capture, arguments.port))
    busy = [c for c in everything if any(arguments.begin <= s.time < arguments.end for s in c.segments)]
    if len(busy) != 1:
        raise Unusable(f"{len(busy)} connections during the rounds; the device's own and no other is expected")
    connection = busy[0]
    if connection.begin >= arguments.begin:
        raise Unusable("the connection was lost during the rounds")
    updates = read_updates(arguments.updates, arguments.device)
    predicted = predict(arguments, updates)
    rounds = len(updates)
    encoded = sum(line[2] for line in updates) / rounds
    cells, details, worst = [], [], 0.0
    for side in (UP, DOWN):
        begin = connection.after_presence(side, arguments.begin)
        captured = connection.layers(side, begin, arguments.end)
        difference = 100 * (sum(predicted[side]) / sum(captured) - 1)
        worst = max(worst, abs(difference))
        cells += [f"{sum(captured) / rounds:.0f}", f"{sum(predicted[side]) / rounds:.0f}", f"{difference:+.1f} %"]
        layers = ", ".join(f"{name} {was / rounds:.1f} ({said / rounds:.1f})"
                           for name, was, said in zip(("MQTT", "TLS", "TCP/IP"), captured, predicted[side]))
        bare = connection.acknowledgements(side, begin, arguments.end) / rounds
        again = sum(size for time, size in connection.streams[side].again if begin <= time < arguments.end) / rounds
        details.append(f"{side}: {layers}; {bare:.1f} bare acknowledgements"
                       + (f"; {again:.0f} bytes sent again are left out" if again else ""))
    print(f"| {arguments.name} | {encoded:.0f} | " + " | ".join(cells) + " |")
    for line in details:
        print(f"{arguments.name}, captured (predicted) {line}", file=sys.stderr)
    if arguments.check is not None and worst > arguments.check:
        print(f"FAILED: {arguments.name}: the prediction is {worst:.1f} % off, more than {arguments.check} %", file=sys.stderr)
        return 1
    return 0


def count_connections(arguments):
    for connection in connections_of(read_segments(arguments.capture, arguments.port)):
        name, _, is_resumed = connection.security()
        end = connection.first_pause()
        sides = [connection.ip_bytes(side, end) for side in (UP, DOWN)]
        how = "resumed" if is_resumed else "fresh"
        print(f"| {arguments.name}, {name} | {how} | {sides[0]} | {sides[1]} |")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    rounds = commands.add_parser("rounds")
    rounds.set_defaults(run=count_rounds)
    for option in ("--updates", "--store", "--device", "--program", "--link", "--experiment"):
        rounds.add_argument(option, required=True)
    rounds.add_argument("--begin", type=float, required=True)
    rounds.add_argument("--end", type=float, required=True)
    rounds.add_argument("--fleet", default="demo")
    rounds.add_argument("--chunk-bytes", type=int, required=True)
    rounds.add_argument("--set", action="append", default=[])
    rounds.add_argument("--kept", action="store_true", help="the model is fetched in the first round only")
    rounds.add_argument("--check", type=float)
    connections = commands.add_parser("connections")
    connections.set_defaults(run=count_connections)
    for command in (rounds, connections):
        command.add_argument("capture")
        command.add_argument("--port", type=int, required=True)
        command.add_argument("--name", required=True)
    arguments = parser.parse_args()
    try:
        return arguments.run(arguments)
    except Unusable as reason:
        print(f"wire_capture: {reason}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

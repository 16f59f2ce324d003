#!/usr/bin/env python3
"""What the captures of devices' links hold, per round. For scripts/measure-links.

    link_capture.py --bits-per-second N NAME=PREFIX...

PREFIX.pcap is a capture of a device's link, whole IPv4 packets over Ethernet in the classic format; PREFIX.log the device's console,
each line after its Unix time in seconds. Counted is what lies between the second round that was accepted and the last: the first ones are those of devices that are all there.
Prints a Markdown table: means of a round. A link is on while a TCP connection is open, or, with datagrams, from the first packet after
a sleep to the next sleep.
"""

import argparse
import struct
import sys
from collections import namedtuple
from pathlib import Path

from pcap import Unusable, read_ip

FIN, SYN, RST = 0x01, 0x02, 0x04
TCP, UDP = 6, 17
# A TLS 1.2 record with the two bytes of a PINGREQ: AES-GCM, ChaCha20-Poly1305.
PING_RECORDS = (2 + 8 + 16, 2 + 16)
APPLICATION_DATA = 23

Packet = namedtuple("Packet", "time is_up bytes protocol port flags data")


def read_packets(path):
    packets = []
    for time, ip in read_ip(path):
        length = struct.unpack(">H", ip[2:4])[0]
        is_up = ip[16:20] == b"\x7f\x00\x00\x01"  # to 127.0.0.1, where broker and bridge are
        payload = ip[(ip[0] & 15) * 4:length]
        source, destination = struct.unpack(">HH", payload[:4])
        flags = payload[13] if ip[9] == TCP else 0
        data = payload[(payload[12] >> 4) * 4:] if ip[9] == TCP else payload[8:]
        packets.append(Packet(time, is_up, length, ip[9], source if is_up else destination, flags, data))
    if not packets:
        raise Unusable(f"{path} has no packets")
    return packets


def read_log(path):
    return [(float(line.split(" ", 1)[0]), line.rstrip("\n").split(" ", 1)[1]) for line in Path(path).read_text().splitlines() if " " in line]


def connections(packets):
    """(begin, end) of every TCP connection; one that does not end in the capture ends with it."""
    spans = {}
    for packet in packets:
        begin, end, is_over = spans.get(packet.port, (packet.time, packet.time, False))
        if not is_over:
            spans[packet.port] = (begin, packet.time, bool(packet.flags & RST) or (is_closing(packet) and is_closed(packets, packet)))
    last = packets[-1].time
    return [(begin, end if is_over else last) for begin, end, is_over in spans.values()]


def is_closing(packet):
    return bool(packet.flags & FIN)


def is_closed(packets, packet):
    """Has the other side said FIN too?"""
    return any(other.port == packet.port and other.is_up != packet.is_up and is_closing(other) and other.time <= packet.time
               for other in packets)


def wakes(packets, log):
    """(begin, end) of every time that a node with datagrams was awake: from its first packet after a sleep."""
    asleep = [time for time, line in log if "asleep, the bridge keeps what comes" in line]
    spans, begin = [], packets[0].time
    for time in asleep:
        if begin is not None:
            spans.append((begin, time))
        begin = next((packet.time for packet in packets if packet.is_up and packet.time > time), None)
    if begin is not None:
        spans.append((begin, packets[-1].time))
    return spans


def overlap(spans, begin, end):
    return sum(max(0.0, min(span[1], end) - max(span[0], begin)) for span in spans)


def row(name, prefix, bits_per_second):
    packets, log = read_packets(prefix + ".pcap"), read_log(prefix + ".log")
    accepted = [time for time, line in log if line.endswith(": accepted")]
    if len(accepted) < 3:
        raise Unusable(f"{prefix}.log has no three rounds that were accepted")
    begin, end, rounds = accepted[1], accepted[-1], len(accepted) - 2
    is_datagrams = packets[0].protocol == UDP
    spans = wakes(packets, log) if is_datagrams else connections(packets)
    counted = [packet for packet in packets if begin <= packet.time < end]
    up = sum(packet.bytes for packet in counted if packet.is_up) / rounds
    down = sum(packet.bytes for packet in counted if not packet.is_up) / rounds
    pings = [packet for packet in counted if packet.is_up and len(packet.data) >= 5 and packet.data[0] == APPLICATION_DATA
             and struct.unpack(">H", packet.data[3:5])[0] in PING_RECORDS] if not is_datagrams else []
    beginnings = [span for span in spans if begin <= span[0] < end]
    print(f"| {name} | {rounds} | {(end - begin) / rounds:.1f} | {up:.0f} | {down:.0f} | {len(counted) / rounds:.1f} "
          f"| {len(beginnings) / rounds:.1f} | {overlap(spans, begin, end) / rounds:.2f} | {up * 8 / bits_per_second * 1000:.1f} "
          f"| {down * 8 / bits_per_second * 1000:.1f} |")
    return len(pings) / rounds if len(beginnings) == 0 and not is_datagrams else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits-per-second", type=int, required=True)
    parser.add_argument("devices", nargs="+", metavar="NAME=PREFIX")
    options = parser.parse_args()
    rate = f"{options.bits_per_second / 1000:g} kbit/s"
    print(f"| between rounds | rounds | s a round | bytes up | bytes down | packets | times the link went on | link on, s "
          f"| sending at {rate}, ms | receiving, ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    kept_alive = [row(*device.split("=", 1), options.bits_per_second) for device in options.devices]
    for pings in kept_alive:
        if pings is not None:
            print(f"\nThe one that stays connected sent {pings:.1f} pings a round.")


if __name__ == "__main__":
    try:
        main()
    except (Unusable, OSError) as error:
        sys.exit(f"link_capture: {error}")

#!/usr/bin/env python3
"""A time server (SNTP, RFC 4330) on 127.0.0.1 for a test: prints its port, then a line for each question.

    time_server.py [--offset SECONDS]     SECONDS are added to the host's time

After each answer comes a forged one, as from somebody who did not see the question: of the year 2100.
"""

import socket
import struct
import sys
import time

FROM_1900_TO_1970 = 2208988800
offset = float(sys.argv[2]) if sys.argv[1:2] == ["--offset"] else 0.0

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)


def stamp(seconds):
    whole = int(seconds)
    return struct.pack(">II", (whole + FROM_1900_TO_1970) & 0xFFFFFFFF, int((seconds - whole) * 2**32))


while True:
    question, peer = server.recvfrom(512)
    if len(question) < 48:
        continue
    now = stamp(time.time() + offset)
    # no warning, version of the question, server; stratum 1; the question's transmit time comes back as its origin
    forged = stamp(4102444800)
    head = struct.pack(">BBBb", (question[0] & 0x38) | 4, 1, 6, -20) + bytes(8) + b"TEST"
    server.sendto(head + now + question[40:48] + now + now, peer)
    server.sendto(head + forged + bytes(8) + forged + forged, peer)
    print("asked", flush=True)

#!/usr/bin/env python3
"""Strangers at a bridge for datagrams (docs/datagram.md, section 6), on 127.0.0.1.

    dtls_strangers.py PORT hellos COUNT     ClientHello messages, each from another port in turn, and no answer to the cookie
    dtls_strangers.py PORT noise COUNT      datagrams of random bytes, of all lengths
    dtls_strangers.py PORT cookies COUNT    handshakes that go on after the cookie, and then end in the middle

Prints how many datagrams came back, the bytes that were sent, and those that came back. RFC 6347, section 4.2.
"""

import os
import random
import select
import socket
import struct
import sys
import time

HANDSHAKE, CLIENT_HELLO, VERIFY_REQUEST = 22, 1, 3
DTLS_1_2 = b"\xfe\xfd"
PSK_WITH_AES_128_GCM_SHA256 = b"\x00\xa8"
RECORD_BYTES, HEAD_BYTES = 13, 12
SOCKETS = 200


def client_hello(sequence, cookie=b""):
    body = DTLS_1_2 + os.urandom(32) + b"\0" + bytes([len(cookie)]) + cookie
    body += struct.pack(">H", len(PSK_WITH_AES_128_GCM_SHA256)) + PSK_WITH_AES_128_GCM_SHA256 + b"\1\0"
    length = len(body).to_bytes(3, "big")
    message = bytes([CLIENT_HELLO]) + length + struct.pack(">H", sequence) + bytes(3) + length + body
    return bytes([HANDSHAKE]) + DTLS_1_2 + bytes(2) + sequence.to_bytes(6, "big") + struct.pack(">H", len(message)) + message


def cookie_in(answer):
    """Of a HelloVerifyRequest; None for anything else."""
    if len(answer) < RECORD_BYTES + HEAD_BYTES + 3 or answer[0] != HANDSHAKE or answer[RECORD_BYTES] != VERIFY_REQUEST:
        return None
    begin = RECORD_BYTES + HEAD_BYTES + 2
    return answer[begin + 1:begin + 1 + answer[begin]]


def opened(count):
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for one in made:
        one.connect(("127.0.0.1", port))
        one.setblocking(False)
    return made


def answers(sockets, seconds):
    """What has come back, with the socket that it came to."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select(sockets, [], [], left)
        for one in ready:
            try:
                yield one, one.recv(2048)
            except OSError:
                pass


port, mode, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
back = sent_bytes = back_bytes = 0


def send(one, datagram):
    global sent_bytes
    try:
        sent_bytes += one.send(datagram)
    except OSError:
        pass  # the bridge's socket is full


if mode == "cookies":
    for one in (sockets := opened(count)):
        send(one, client_hello(0))
    for one, answer in answers(sockets, 3):
        back += 1
        back_bytes += len(answer)
        if (cookie := cookie_in(answer)) is not None:
            send(one, client_hello(1, cookie))
else:
    sockets = opened(SOCKETS)
    for number in range(count):
        send(sockets[number % SOCKETS], client_hello(0) if mode == "hellos" else os.urandom(random.randrange(1, 1400)))
        if number % SOCKETS == SOCKETS - 1:
            for _, answer in answers(sockets, 0.02):
                back += 1
                back_bytes += len(answer)
print(back, sent_bytes, back_bytes)

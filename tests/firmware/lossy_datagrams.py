#!/usr/bin/env python3
"""A lossy network for a test: forwards UDP datagrams between a free port of 127.0.0.1 and a server's.

lossy_datagrams.py SERVER_PORT LOSS SEED COUNTS

Each datagram is lost with probability LOSS, comes twice with probability 0.1, and is late by up to 20 ms with probability 0.2, so that later
ones overtake it. Each client gets a socket of its own to the server, so that the server sees as many addresses as there
are. Prints its port. COUNTS is a file that holds, in one line, how many datagrams came and how many were lost."""

import asyncio
import os
import random
import sys

server_port, loss, seed, counts_file = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
TWICE, LATE, LATE_S = 0.1, 0.2, 0.02
LARGEST = 1280 - 48  # with IPv6 and UDP around it
draw = random.Random(seed)
counts = {"came": 0, "lost": 0, "written": 0.0}


def count(loop):
    if loop.time() < counts["written"] + 0.2:
        return
    counts["written"] = loop.time()
    with open(counts_file + ".new", "w") as file:
        print(counts["came"], counts["lost"], file=file)
    os.replace(counts_file + ".new", counts_file)


def forward(loop, send, data):
    if len(data) > LARGEST:
        print(f"a datagram of {len(data)} bytes", file=sys.stderr, flush=True)
        os._exit(3)
    counts["came"] += 1
    if draw.random() < loss:
        counts["lost"] += 1
    else:
        for _ in range(2 if draw.random() < TWICE else 1):
            loop.call_later(draw.random() * LATE_S if draw.random() < LATE else 0.0005, send, data)
    count(loop)


class ToServer(asyncio.DatagramProtocol):
    def __init__(self, clients, address):
        self.clients, self.address = clients, address

    def datagram_received(self, data, _):
        forward(self.clients.loop, lambda content: self.clients.transport.sendto(content, self.address), data)

    def error_received(self, _):
        pass  # nobody listens just now


class Clients(asyncio.DatagramProtocol):
    def __init__(self, loop):
        self.loop, self.ways, self.transport = loop, {}, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if address in self.ways:
            self.pass_on(address, data)
        else:
            self.loop.create_task(self.open(address, data))

    async def open(self, address, data):
        way = await self.loop.create_datagram_endpoint(lambda: ToServer(self, address), remote_addr=("127.0.0.1", server_port))
        self.ways.setdefault(address, way[0])
        self.pass_on(address, data)

    def pass_on(self, address, data):
        forward(self.loop, self.ways[address].sendto, data)

    def error_received(self, _):
        pass


async def main():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Clients(loop), local_addr=("127.0.0.1", 0))
    count(loop)
    print(transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())

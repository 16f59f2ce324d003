#!/usr/bin/env python3
"""A slow and lossy link for a test: forwards TCP connections from a free port of 127.0.0.1 to a broker's, in packets.

slow_link.py BROKER_PORT RATE LOSS SEED COUNTS

RATE is in bytes a second, in each direction. A packet of at most 536 bytes is lost with probability LOSS and sent again by
TCP, after 1 s, 2 s, ... 32 s: what comes behind it waits. Prints its port. COUNTS is a file that holds, in one line, how many
bytes have gone to devices and to the broker."""

import asyncio
import os
import random
import sys

PACKET = 536
broker_port, rate, loss, seed, counts_file = (
    int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
draw = random.Random(seed)
counts = {"down": 0, "up": 0}


def write_counts():
    with open(counts_file + ".new", "w") as file:
        print(counts["down"], counts["up"], file=file)
    os.replace(counts_file + ".new", counts_file)


async def pump(reader, writer, direction):
    try:
        while packet := await reader.read(PACKET):
            pause = 1
            while True:
                await asyncio.sleep(len(packet) / rate)
                if draw.random() >= loss:
                    break
                await asyncio.sleep(pause)
                pause = min(32, 2 * pause)
            writer.write(packet)
            await writer.drain()
            counts[direction] += len(packet)
            write_counts()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    try:
        broker = await asyncio.open_connection("127.0.0.1", broker_port, limit=PACKET)
    except OSError:
        writer.close()
        return
    await asyncio.gather(pump(broker[0], writer, "down"), pump(reader, broker[1], "up"))


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=PACKET)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


write_counts()
asyncio.run(main())

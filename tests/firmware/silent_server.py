#!/usr/bin/env python3
"""A server on 127.0.0.1 for a test that takes TCP connections and datagrams of one port, and never answers. Prints its
port, then a line for each connection."""

import socket

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", port))
print(port, flush=True)
connections = []
while True:
    connections.append(listener.accept()[0])
    print("connected", flush=True)

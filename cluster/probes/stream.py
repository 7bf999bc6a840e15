"""How fast TCP is between two machines, over several streams at once, a process each.

`serve ADDRESS` prints the port it listens at and swallows what comes, until its standard input ends.
`send FROM TO PORT STREAMS SECONDS` sends all it can, waits until it has arrived, and prints Gb/s.
"""

import multiprocessing
import os
import socket
import socketserver
import sys
import threading
import time

PIECE = 2**20


class Swallow(socketserver.BaseRequestHandler):
    """Receive until the sender has ended; closing the connection tells it that all has arrived."""

    def handle(self) -> None:
        """Receive."""
        buffer = bytearray(PIECE)
        while self.request.recv_into(buffer):
            pass


class Server(socketserver.ForkingTCPServer):
    """A process a connection."""

    request_queue_size = 64


def serve(address: str) -> None:
    """Serve until standard input ends."""
    with Server((address, 0), Swallow) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        os._exit(0)


def send(source: str, target: str, port: int, seconds: float) -> int:
    """Send for a while; return how many bytes have arrived."""
    piece, sent = bytes(PIECE), 0
    with socket.create_connection((target, port), timeout=10, source_address=(source, 0)) as stream:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            sent += stream.send(piece)
        stream.shutdown(socket.SHUT_WR)
        stream.recv(1)
    return sent


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        source, target, port, streams, seconds = sys.argv[2:]
        job = (source, target, int(port), float(seconds))
        with multiprocessing.get_context("fork").Pool(int(streams)) as pool:
            started = time.monotonic()
            arrived = sum(pool.starmap(send, [job] * int(streams), chunksize=1))
            print(f"{arrived * 8 / (time.monotonic() - started) / 1e9:.2f}")

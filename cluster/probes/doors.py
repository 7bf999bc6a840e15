"""Knock at ports of other machines, all at once: who is there, who says no, and where is only silence.

Arguments: FROM:PORT/PROTOCOL,...:TO,..., any number; each port of each TO is one door. For each it prints
`TO PORT/PROTOCOL ANSWER`, where the answer is open (somebody accepted or answered), refused (the machine says that
nobody listens) or silence.
"""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

PATIENCE_S = 1.5
AT_ONCE = 256
"""So many doors; where all is silence, each takes up to 4.5 s of the 20 that there are."""
# The answer to UDP is an ICMP message, which may be lost and which the kernel sends only so often.
UDP_TRIES = 3


def doors(arguments: "list[str]") -> "list[tuple[str, str, str]]":
    """List the doors: from where, PORT/PROTOCOL, to where."""
    asked = (argument.split(":") for argument in arguments)
    return [
        (source, port, target)
        for source, ports, targets in asked
        for target in targets.split(",")
        for port in ports.split(",")
    ]


def knock(door: "tuple[str, str, str]") -> str:
    """Knock at one door and tell the answer."""
    source, name, target = door
    port, protocol = name.split("/")
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as knocking:
        # Without an address of our own nothing can be said of the others: that is an error, and no silence.
        knocking.bind((source, 0))
        try:
            knocking.settimeout(PATIENCE_S)
            knocking.connect((target, int(port)))
            answer = "open" if protocol == "tcp" else ask(knocking)
        except ConnectionRefusedError:
            answer = "refused"
        except OSError:
            answer = "silence"
    return f"{target} {name} {answer}"


def ask(knocking: socket.socket) -> str:
    """Send an empty datagram until something comes back; a refusal is raised as an error."""
    for _ in range(UDP_TRIES):
        knocking.send(b"")
        try:
            knocking.recv(1)
        except socket.timeout:  # noqa: UP041 - its name before Python 3.10
            continue
        return "open"
    return "silence"


if __name__ == "__main__":
    with ThreadPoolExecutor(AT_ONCE) as pool:
        print("\n".join(pool.map(knock, doors(sys.argv[1:]))))

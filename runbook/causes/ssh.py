"""Why a node does not get into its peers."""

from cluster.node import Node

_WORDS = {
    "permission denied": "the peer does not know this node's key",
    "host key verification failed": "this node does not know the peer's host key, or knows another",
    "bad permissions": "a key of this node may be read by others, so ssh ignores it",
    "connection refused": "no sshd listens on the peer's fabric address",
    "timed out": "nothing answers there: a firewall, or sshd is not on that network",
}


def not_let_in(node: Node) -> str:
    """Say for each peer what ssh's own words mean."""
    told: dict[str, list[str]] = {}
    for address, said in node.logins.closed.items():
        meaning = next((meaning for words, meaning in _WORDS.items() if words in said.lower()), said)
        told.setdefault(meaning, []).append(address)
    return "; ".join(f"{meaning} ({', '.join(addresses)})" for meaning, addresses in told.items())

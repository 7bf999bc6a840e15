"""Why a node does not get into its peers."""

from cluster.node import Node

_WORDS = {
    "permission denied": "the peer does not know this node's key",
    "host key verification failed": "this node does not know the peer's host key, or knows another",
    "bad permissions": "a key of this node may be read by others, so ssh ignores it",
    "connection refused": "no sshd listens on the peer's fabric address",
    "timed out": "nothing answers there: a firewall, or sshd is not on that network",
    "said nothing": "the peer ends the connection without a word: look at its sshd's log and the user's login shell",
}
_HALF_A_KEY = "this node has ~/.ssh/id_ed25519.pub without its private half, and cannot log in with that"
_KNOWN_AND_REFUSED = (
    "the peer has this node's key in its authorized_keys and refuses it: the key has a passphrase, ~/.ssh/config names "
    "another one, or the peer's sshd is set to look elsewhere or to keep the user out"
)


def not_let_in(node: Node) -> str:
    """Say for each peer what ssh's own words mean."""
    told: dict[str, list[str]] = {}
    for peer, addresses in node.fabric_of_peers.items():
        for address in (str(one.ip) for one in addresses.values()):
            if (said := node.logins.closed.get(address)) is not None:
                told.setdefault(_meaning(node, peer, said), []).append(address)
    return "; ".join(f"{meaning} ({', '.join(places)})" for meaning, places in told.items())


def _meaning(node: Node, peer: Node, said: str) -> str:
    if "permission denied" in said.lower():
        if node.ssh.has_half_a_key:
            return _HALF_A_KEY
        if node.ssh.own_key and peer.ssh.authorizes(node.ssh.own_key):
            return _KNOWN_AND_REFUSED
    return next((meaning for words, meaning in _WORDS.items() if words in said.lower()), said)

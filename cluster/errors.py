"""Everything that can go wrong between this machine and a node, each told in one sentence."""


class ClusterError(Exception):
    """Base of the errors that a person is told about; the message is the whole sentence."""


class InventoryError(ClusterError):
    """The inventory cannot be used; the message names file, line, field and what to do."""


class Unreachable(ClusterError):
    """A node cannot be reached, or was reached and is gone."""


class CommandFailed(ClusterError):
    """A command that had to succeed did not."""


class SudoRefused(ClusterError):
    """A command needs root on the node, and the node does not give it to us."""


class ReadOnly(ClusterError):
    """Something tried to change a node while only reading was allowed."""


class UnknownFact(ClusterError):
    """A fact could not be read, so nothing may be concluded from it."""

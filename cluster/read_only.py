"""The guard in front of a node: while only reading is allowed, a command that would change something is not sent."""

import re

from cluster.errors import ReadOnly

# Facts and checks never need these; whoever does has to go through a change, which is planned, journaled and undone.
_CHANGES = re.compile(
    r"""(?mx)
    (?:^|[;&|({`]|\$\(|\b(?:sudo|xargs|exec|then|do|else|timeout\s+\S+)\s)\s*(?:-\S+\s+)*
    (?:
        rm|rmdir|mv|cp|ln|mkdir|touch|tee|truncate|dd|install|mktemp|chmod|chown|chgrp|setfacl
      | useradd|usermod|userdel|groupadd|groupdel|gpasswd|passwd|newgrp
      | reboot|poweroff|shutdown|halt|kill|pkill|killall|mount|umount|modprobe|rmmod|swapoff|swapon
      | apt|apt-get|dpkg\s+-i|snap|pip
      | ssh-keygen|ssh-copy-id|nvidia-ctk\s+runtime|netplan\s+(?:apply|set|try)|ufw|iptables\s+-[ADIFX]|sysctl\s+-w
      | systemctl\s+(?:start|stop|restart|reload|enable|disable|mask|unmask|daemon-reload|kill|edit|set-property)
      | ip\s+(?:-\S+\s+)*(?:addr|address|link|route|rule|neigh)\s+(?:add|del|delete|set|replace|change|flush)
      | docker\s+(?:run|rm|rmi|pull|load|import|build|tag|start|stop|restart|kill|create|exec|cp|commit|prune|login)
      | docker\s+(?:container|image|volume|network|system)\s+(?:rm|prune|create|load|pull)
      | docker\s+swarm\s+(?:init|join|leave|update|join-token\s+--rotate)
      | docker\s+(?:stack|service|node|secret|config)\s+(?:deploy|up|rm|remove|update|create|scale|promote|demote)
    )(?=[\s;&|)]|$)
    """
)
_WRITES = re.compile(r"(?<![0-9&<>=-])[12]?>{1,2}\s*(?!&)(?!/dev/null\b)[\w./~$\"']")


def refuse_changes(command: str) -> None:
    """Refuse a command that is known to change a node.

    Raises:
        ReadOnly: The command writes; the message names the part that does.
    """
    found = _CHANGES.search(command) or _WRITES.search(command)
    if found:
        raise ReadOnly(
            f"`{found.group().strip()}` would change the node while only reading is allowed: it belongs in a change."
        )

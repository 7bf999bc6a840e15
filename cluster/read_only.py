"""The guard in front of a node: while only reading is allowed, a command that would change something is not sent."""

import re

from cluster import probes
from cluster.errors import ReadOnly

# What only a container can answer may be asked in one: for its GPUs, and what our own probe tells, which has become
# `true` when this is looked at. Whoever needs more has to go through a change: planned, journaled, undone.
_CHANGES = re.compile(
    r"""(?mx)
    (?:^|[;&|({`!]|\bsudo(?:\s+-[ughp]\s+\S+)+\s|\b(?:sudo|xargs|exec|execdir|then|do|else|if|elif|while|until|env|nohup|nice|time|timeout)\s)\s*
    (?:-\S+\s+|\w+=\S*\s+|\d\S*\s+)*(?:/\S*/)?
    (?:
        rm|rmdir|mv|cp|ln|mkdir|touch|tee|truncate|dd|install|mktemp|chmod|chown|chgrp|setfacl|patch|rsync|scp|unzip
      | (?:ba|da|z)?sh\s+-\w*c|eval|python3?|perl|wget|sed\s+(?:-\S+\s+)*(?:-\w*i|--in-place)\S*
      | curl\s[^;&|]*(?:-\w*[oOTd]|--output|--remote-name|--upload-file|--data|--request)\b|tar\s+-?\w*[xcru]\w*
      | useradd|usermod|userdel|groupadd|groupdel|gpasswd|passwd|chpasswd|newgrp|crontab|visudo
      | reboot|poweroff|shutdown|halt|kill|pkill|killall|mount|umount|modprobe|rmmod|swapoff|swapon
      | apt|apt-get|dpkg\s+-i|snap|pip3?|mkfs\S*|systemd-run|nmcli|ethtool\s+-[sGKALEtr]
      | ssh-keygen|ssh-copy-id|nvidia-ctk\s+runtime|netplan\s+(?:apply|set|try)|ufw|sysctl\s+-w
      | iptables\s+(?:-\S+\s+|nat\s+|filter\s+)*-[ADIFXPNZ]|iptables-restore
      | nft\s+(?:-\S+\s+)*(?:add|insert|delete|flush)
      | nvidia-smi\s+(?:-\S+\s+\d+\s+)*(?:-pm|-pl|-mig|-c|-lgc|-r|--gpu-reset|--persistence-mode|--power-limit)
      | (?:hostnamectl|timedatectl)\s+set-\S+
      | systemctl\s+(?:-\S+\s+)*
        (?:start|stop|(?:try-|reload-or-)?restart|reload|enable|disable|mask|unmask|daemon-reload|kill|edit|set-property
          | isolate|reset-failed)
      | ip\s+(?:-\S+\s+)*(?:addr|address|link|route|rule|neigh)\s+(?:add|del|delete|set|replace|change|flush)
      | docker\s+(?:-H\s+\S+\s+|-\S+\s+)*(?:
            run|rm|rmi|pull|load|import|build|tag|start|stop|restart|kill|create|cp|commit|prune|login
          | exec(?!\s\S+\s(?:nvidia-smi\s-L|true)(?:[\s;&|)`]|$))
          | compose\s+(?:-\S+\s+\S+\s+)*(?:up|down|run|rm|start|stop|restart|pull|exec)
          | (?:container|image|volume|network|system)\s+(?:rm|prune|create|load|pull)
          | builder\s+prune|swarm\s+(?:init|join|leave|update|(?:join-token|unlock-key)\s+--rotate)
          | (?:stack|service|node|secret|config)\s+(?:deploy|up|rm|remove|update|create|scale|promote|demote)
        )
    )(?=[\s;&|)`<>]|$)
    | \bfind\s[^;&|]*\s-delete\b
    """
)
_WRITES = re.compile(r"(?:(?<![0-9&<>=-])[12]?>{1,2}|>\||&>{1,2})\s*(?![&>])(?!/dev/null\b)[\w./~$\"']")

# What stands in single quotes is data, the way shlex.quote writes it; `sh -c` is refused above for that reason.
_QUOTED = re.compile(r"""\"'\"|'[^']*'""")


def refuse_changes(command: str) -> None:
    """Refuse a command that is known to change a node.

    Raises:
        ReadOnly: The command writes; the message names the part that does.
    """
    for name in probes.NAMES:
        command = command.replace(probes.invocation(name), "true")
    bare = _QUOTED.sub("''", command)
    found = _CHANGES.search(bare) or _WRITES.search(bare)
    if found:
        raise ReadOnly(
            f"`{found.group().strip()}` would change the node while only reading is allowed: it belongs in a change."
        )

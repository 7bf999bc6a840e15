"""The sixty questions that every contestant asks of every host, as a name and a shell command each."""

from __future__ import annotations

# No links: some tools tell of a link, others of what it leads to.
FILES = (
    "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/hosts", "/etc/fstab", "/etc/sudoers", "/etc/ssh/sshd_config",
    "/etc/ssh/ssh_config", "/etc/profile", "/usr/lib/os-release", "/etc/login.defs", "/etc/nsswitch.conf", "/bin/dash",
    "/usr/bin/sudo", "/usr/sbin/sshd", "/usr/bin/env", "/var/log", "/var/lib", "/root", "/home/nvidia",
)  # fmt: skip
PACKAGES = (
    "openssh-server", "openssh-client", "sudo", "iproute2", "systemd", "python3", "docker.io", "netplan.io", "ethtool",
    "kmod",
)  # fmt: skip
USERS = ("root", "daemon", "bin", "sys", "nvidia", "nobody", "sshd", "mail", "man", "games")
SYSCTLS = (
    "kernel.hostname", "kernel.ostype", "kernel.osrelease", "kernel.pid_max", "kernel.random.uuid_is_no_setting",
    "net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter", "net.core.somaxconn", "fs.file-max", "vm.swappiness",
)  # fmt: skip
COMMANDS = (
    "uname -r", "uname -m", "hostname", "id -un", "pwd", "getconf PAGESIZE", "uname -s", "echo $HOME", "nproc",
    "locale -a | head -n 1",
)  # fmt: skip


def probes() -> dict[str, str]:
    """Return the command that answers each; what is not there answers nothing."""
    return {
        **{f"file {path}": f"stat -L -c '%a %U' {path} 2>/dev/null || true" for path in FILES},
        **{f"package {name}": f"dpkg-query -W -f '${{Version}}' {name} 2>/dev/null || true" for name in PACKAGES},
        **{f"user {name}": f"id -u {name} 2>/dev/null || true" for name in USERS},
        **{f"sysctl {name}": f"cat /proc/sys/{name.replace('.', '/')} 2>/dev/null || true" for name in SYSCTLS},
        **{f"command {command}": f"{command} 2>/dev/null || true" for command in COMMANDS},
    }

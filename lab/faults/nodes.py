"""Step 1: the nodes themselves, and the ways into them."""

from typing import Final

from lab.faults.fault import PERSON, Fault

HOME: Final = "/home/nvidia"

FAULTS: Final = (
    Fault(
        "node-off",
        "a node is off",
        "ssh.reachable",
        "spark-2",
        "did not answer within",
        PERSON,
        off=("spark-2",),
    ),
    Fault(
        "sshd-stopped",
        "sshd does not run",
        "ssh.reachable",
        "spark-2",
        "refuses connections",
        PERSON,
        breaks={"spark-2": "systemctl stop ssh.socket ssh.service"},
    ),
    Fault(
        "host-key-changed",
        "a node has another host key than it had",
        "ssh.reachable",
        "spark-2",
        "host key",
        PERSON,
        breaks={
            "spark-2": "rm /etc/ssh/ssh_host_*_key*; ssh-keygen -A; systemctl try-restart ssh.service",
        },
    ),
    Fault(
        "our-key-removed",
        "a node does not know our key any more",
        "ssh.reachable",
        "spark-2",
        "key",
        PERSON,
        breaks={"spark-2": f"sed -i 1d {HOME}/.ssh/authorized_keys"},
    ),
    Fault(
        "sudo-gone",
        "the user may not use sudo any more",
        "ssh.sudo",
        "spark-2",
        "sudo asks for a password",
        PERSON,
        breaks={"spark-2": "rm -f /etc/sudoers.d/*"},
    ),
    Fault(
        "login-slow",
        "a login file waits for something",
        "ssh.prompt",
        "spark-2",
        "every question to it waits as long",
        PERSON,
        breaks={"spark-2": f"sed -i '1i sleep 4' {HOME}/.bashrc"},
    ),
    Fault(
        "peer-key-removed",
        "a node is not let in by its peer any more",
        "ssh.mesh",
        "spark-1",
        "the peer does not know this node's key",
        breaks={"spark-2": f"sed -i /nvidia@spark-1/d {HOME}/.ssh/authorized_keys"},
    ),
    Fault(
        "private-key-shared",
        "one private key was copied to both nodes",
        "ssh.own_key",
        None,
        "one private key is on several nodes",
        PERSON,
        warns=True,
        breaks={
            "spark-1": "su - nvidia -c 'cd .ssh && cat id_ed25519.pub >>authorized_keys && "
            "scp -q -o BatchMode=yes id_ed25519 id_ed25519.pub 192.168.100.2:.ssh/'"
        },
    ),
    Fault(
        "peer-host-key-unknown",
        "a node does not know its peer's host key any more",
        "ssh.mesh",
        "spark-1",
        "this node does not know the peer's host key",
        breaks={"spark-1": f": >{HOME}/.ssh/known_hosts"},
    ),
    Fault(
        "ssh-directory-open",
        "others may write into ~/.ssh, so sshd takes no key from there",
        "ssh.reachable",
        "spark-2",
        "others may write",
        PERSON,
        breaks={"spark-2": f"chmod 777 {HOME}/.ssh"},
    ),
    Fault(
        "private-key-open",
        "everybody may read a private key, so ssh does not use it",
        "ssh.modes",
        "spark-2",
        "id_ed25519 (644)",
        breaks={"spark-2": f"chmod 644 {HOME}/.ssh/id_ed25519"},
    ),
    Fault(
        "hostname-twice",
        "two nodes have one name",
        "machine.hostname",
        None,
        "spark-1 (spark-1 and spark-2)",
        PERSON,
        breaks={"spark-2": "hostname spark-1; echo spark-1 >/etc/hostname"},
    ),
    Fault(
        "disk-full",
        "the disk that models are kept on is full",
        "machine.disk_used",
        "spark-2",
        "/home/nvidia/.cache/huggingface is nearly full",
        PERSON,
        breaks={
            "spark-2": f"mount -t tmpfs -o size=4m,mode=777 tmpfs {HOME}/.cache/huggingface; "
            f"head -c 4M /dev/zero >{HOME}/.cache/huggingface/full 2>/dev/null; true"
        },
    ),
    Fault(
        "files-used-up",
        "the disk that models are kept on has no room for one more file",
        "machine.inodes_used",
        "spark-2",
        "no more files can be made on the disk of /home/nvidia/.cache/huggingface",
        PERSON,
        breaks={
            "spark-2": f"mount -t tmpfs -o nr_inodes=20,mode=777 tmpfs {HOME}/.cache/huggingface; "
            f"cd {HOME}/.cache/huggingface && touch $(seq 30) 2>/dev/null; true"
        },
    ),
)

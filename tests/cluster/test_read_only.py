"""While only reading is allowed, what would change a node is not sent to it."""

import pytest

from cluster.cluster import Cluster
from cluster.errors import ReadOnly
from cluster.facts.base import Facts
from cluster.read_only import refuse_changes
from tests.cluster.nodes import tell_containers, tell_links

CHANGES = """\
rm -rf /var/lib/docker
/bin/rm file
sudo rm file
sudo -n -- rm file
sudo -u root rm file
if rm file; then true; fi
while rm file; do true; done
nvidia-smi -pm 1
nvidia-smi -i 0 --gpu-reset
systemctl try-restart docker
systemctl reset-failed docker
ethtool -r eth0
docker builder prune
docker compose -f file up
docker swarm unlock-key --rotate
nft flush ruleset
iptables -w -I INPUT -j ACCEPT
iptables -t nat -A POSTROUTING -j ACCEPT
iptables-restore
true && mv a b
false || cp a b
ls; touch file
ls | tee file
ls & kill 1
(rm file)
{ rm file; }
echo $(rm file)
echo `rm file`
if true; then rm file; fi
for f in a b; do rm $f; done
! rm file
A=1 rm file
env A=1 rm file
nohup rm file
nice -n 5 rm file
timeout 5 rm file
ls | xargs rm
find . -exec rm {} +
find . -delete
sh -c 'rm file'
bash -c "rm file"
eval 'rm file'
sed -i s/a/b/ file
sed -n -i s/a/b/ file
perl -pi -e s/a/b/ file
python3 -c 'import os; os.remove("file")'
dd if=/dev/zero of=file
tar -xf archive
tar xzf archive
curl -o file localhost
curl --output file localhost
wget localhost
echo text > file
echo text >file
echo text >> file
echo text 1>file
ls 2>/tmp/errors
echo text >|file
ls &>file
ls > "$HOME/file"
ls > 'file'
systemctl restart docker
systemctl --now enable docker
systemd-run true
docker run image
docker exec it sh
docker exec it nvidia-smi -r
docker exec it python3 -Bc 'import sys; print(sys.path)'
docker exec it sh
docker exec -u root it python3 -Bc 'x'
docker swarm leave --force
docker stack deploy -c - x
docker -H tcp://other rm x
docker compose up
ip addr add 10.0.0.1/24 dev lo
ip -4 addr flush dev lo
netplan apply
nmcli connection up x
hostnamectl set-hostname x
timedatectl set-ntp true
usermod -aG docker me
crontab file
apt-get install x
dpkg -i x
pip install x
mount /dev/sda /mnt
sysctl -w a=b
reboot"""

READS = """\
cat /etc/apt/sources.list
ls rm
ls /bin/rm 2>/dev/null
command -v rm || true
grep -q x file 2>&1
echo warning >&2
cat < file
test 1 -gt 0 && echo yes
stat -c %a -- 'a; rm b'
cat -- 'it'"'"'s $(touch x) > y'
systemctl is-active docker.service
systemctl is-enabled docker
systemctl show docker -p ActiveState
docker info --format '{{json .}}'
docker node inspect self
docker stack ps x
docker exec $id nvidia-smi -L
docker swarm ca
ip -j addr show
ip route get 10.0.0.1
netplan get
find /srv -mindepth 1 -type d
tar -tf archive
sed -n 1,5p file
curl -s localhost
timeout 5 ping -c 1 10.0.0.1
env
hostnamectl
timedatectl show
sysctl -n kernel.ostype"""


@pytest.mark.parametrize("command", CHANGES.splitlines())
def test_a_command_that_writes_is_refused(command: str) -> None:
    with pytest.raises(ReadOnly, match="would change the node while only reading is allowed"):
        refuse_changes(command)


@pytest.mark.parametrize("command", READS.splitlines())
def test_a_command_that_reads_passes(command: str) -> None:
    refuse_changes(command)


OURS = [kind for kind in Facts.__subclasses__() if kind.__module__.startswith("cluster.")]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_question_of_the_house_passes(kind: type[Facts], two_nodes: Cluster) -> None:
    tell_links(two_nodes)
    tell_containers(two_nodes)
    probes = kind.probes(two_nodes.manager)
    assert probes
    for probe in probes:
        refuse_changes(probe.command)

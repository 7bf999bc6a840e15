#!/usr/bin/env bash
# The playbook's steps 1 to 9 on bare nodes of a lab, typed by somebody who knows all answers beforehand: every node at
# once, nothing checked, nothing remembered, nothing to take back. Arguments: SSH_CONFIG ARCHIVE IMAGE PROGRAM HOST...
set -euo pipefail
config=$1 archive=$2 image=$3 program=$4
shift 4
first=$1
masters=$(mktemp -d)
# One connection a node, as ours has.
on() { local host=$1 && shift && ssh -F "$config" -o ControlMaster=auto -o ControlPath="$masters/%h" -o ControlPersist=30 "$host" "$@"; }
trap 'for host in "$@"; do on "$host" -O exit 2>/dev/null || true; done; rm -rf "$masters"' EXIT
all() { # every process in the background has to end well
  local process
  for process in $(jobs -p); do wait "$process"; done
}

prepare() {
  on "$1" sudo sh -s "$2" <<'STEP'
set -e
cat >/etc/netplan/60-fabric.yaml <<NETPLAN
network:
  version: 2
  ethernets:
    enp1s0f1np1: {addresses: [192.168.100.$1/24], optional: true}
    enP2p1s0f1np1: {addresses: [192.168.101.$1/24], optional: true}
NETPLAN
chmod 600 /etc/netplan/*.yaml
netplan apply &
usermod -aG docker nvidia
gpu=$(nvidia-smi -L | sed -n 's/.*UUID: \(.*\))/\1/p')
cat >/etc/docker/daemon.json <<DAEMON
{
  "runtimes": {"nvidia": {"path": "nvidia-container-runtime", "runtimeArgs": []}},
  "default-runtime": "nvidia",
  "node-generic-resources": ["NVIDIA_GPU=$gpu"]
}
DAEMON
sed -i 's/^#\s*swarm-resource.*/swarm-resource = "DOCKER_RESOURCE_NVIDIA_GPU"/' /etc/nvidia-container-runtime/config.toml
systemctl restart docker
su nvidia -c 'mkdir -p -m 700 ~/.ssh; ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519'
su nvidia -c 'mkdir -p ~/.cache/huggingface ~/spark-runbook'
wait
until ip -4 addr show enP2p1s0f1np1 | grep -q 192.168.101.$1; do sleep 0.1; done
STEP
}

rank=0
for host; do
  rank=$((rank + 1))
  prepare "$host" "$rank" &
done
all

# What follows needs no order but that of the swarm: keys, program, configuration and image meanwhile.
keys=$(for host; do on "$host" cat .ssh/id_ed25519.pub; done)
rank=0
for host; do
  on "$host" "cat >>.ssh/authorized_keys; ssh-keyscan -q -t ed25519 192.168.100.{1..$#} 192.168.101.{1..$#} >.ssh/known_hosts" <<<"$keys" &
  on "$host" sudo docker load --quiet <"$archive" &
  tar -C "$program" -c finetune data recipes | on "$host" tar -C spark-runbook -x &
  on "$host" "mkdir -p spark-runbook/configs && cat >spark-runbook/configs/accelerate.yaml" <<CONFIG &
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_GPU
machine_rank: $rank
main_process_ip: 192.168.100.1
main_process_port: 29500
mixed_precision: 'no'
num_machines: $#
num_processes: $#
use_cpu: true
CONFIG
  rank=$((rank + 1))
done
on "$first" sudo docker swarm init --advertise-addr 192.168.100.1 >/dev/null
token=$(on "$first" sudo docker swarm join-token --quiet worker)
rank=1
for host in "${@:2}"; do
  rank=$((rank + 1))
  on "$host" sudo docker swarm join --advertise-addr "192.168.100.$rank" --token "$token" 192.168.100.1:2377 >/dev/null &
done
all

on "$first" sudo docker stack deploy --detach=true --resolve-image never -c - finetuning-multinode <<STACK
version: "3.8"
services:
  finetune:
    image: $image
    init: true
    command: [sleep, infinity]
    working_dir: /workspace
    networks: [host]
    volumes:
      - {type: bind, source: /home/nvidia/spark-runbook, target: /workspace}
      - {type: bind, source: /home/nvidia/.cache/huggingface, target: /root/.cache/huggingface}
    deploy:
      replicas: $#
      placement: {max_replicas_per_node: 1}
      resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: NVIDIA_GPU, value: 1}}]}}
networks:
  host: {name: host, external: true}
STACK
until [ "$(on "$first" sudo docker stack ps --filter desired-state=running finetuning-multinode --format '{{.CurrentState}}' | grep -c ^Running)" = $# ]; do
  sleep 0.2
done

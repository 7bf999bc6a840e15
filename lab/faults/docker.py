"""Steps 2 and 3: docker and the NVIDIA container toolkit."""

from typing import Final

from lab.faults.fault import PERSON, Fault
from lab.faults.network import PORT
from lab.faults.shell import DAEMON_JSON, HARDWARE, edit_json, settings

CONFIG_TOML: Final = "/etc/nvidia-container-runtime/config.toml"
OFFER_OLD: Final = "it['node-generic-resources'] = ['NVIDIA_GPU=GPU-00000000-dead-beef-0000-000000000000']"
STOP: Final = "systemctl stop docker.socket docker.service"

FAULTS: Final = (
    Fault(
        "docker-stopped",
        "docker was stopped",
        "docker.running",
        "spark-2",
        "the service was stopped",
        breaks={"spark-2": STOP},
    ),
    Fault(
        "docker-disabled",
        "docker does not start at boot",
        "docker.enabled",
        "spark-2",
        "docker.service is disabled",
        breaks={"spark-2": "systemctl disable docker.service"},
    ),
    Fault(
        "docker-masked",
        "docker is masked",
        "docker.enabled",
        "spark-2",
        "docker.service is masked",
        also=("docker.running",),
        breaks={"spark-2": f"{STOP}; systemctl mask docker.service"},
    ),
    Fault(
        "socket-masked",
        "docker's socket is masked",
        "docker.socket",
        "spark-2",
        "docker.socket, which is masked",
        also=("docker.running",),
        breaks={"spark-2": f"{STOP}; systemctl mask docker.socket"},
    ),
    Fault(
        "containerd-masked",
        "containerd is masked, and docker does not come up",
        "docker.running",
        "spark-2",
        "containerd.service, which runs docker's containers, is masked",
        breaks={
            "spark-2": f"{STOP}; systemctl stop containerd; systemctl mask containerd; "
            "timeout 20 systemctl start docker || true"
        },
    ),
    Fault(
        "user-not-in-group",
        "the user was taken out of the group docker",
        "docker.usable",
        "spark-2",
        "nvidia is not in the group docker",
        breaks={"spark-2": "gpasswd -d nvidia docker"},
    ),
    Fault(
        "daemon-json-broken",
        "daemon.json is no JSON, and docker does not come up",
        "docker.settings_valid",
        "spark-2",
        "daemon.json is no JSON at line 5",
        PERSON,
        breaks={"spark-2": f"sed -i 's/,$//' {DAEMON_JSON}; systemctl restart docker || true"},
    ),
    Fault(
        "daemon-json-unknown-key",
        "daemon.json has a key that docker does not know",
        "docker.settings_valid",
        "spark-2",
        "no-such-setting",
        PERSON,
        breaks={"spark-2": edit_json(DAEMON_JSON, "it['no-such-setting'] = 1")},
    ),
    Fault(
        "hosts-twice",
        "daemon.json and docker's unit both say where docker listens",
        "docker.settings_once",
        "spark-2",
        "hosts stands in daemon.json and on dockerd's command line",
        PERSON,
        breaks={"spark-2": edit_json(DAEMON_JSON, "it['hosts'] = ['fd://']")},
    ),
    Fault(
        "live-restore",
        "live-restore is on, and docker does not come up in a swarm with it",
        "docker.live_restore",
        "spark-2",
        "docker would refuse a swarm, or to start in one",
        also=("docker.running",),
        allow=("end-live-restore",),
        breaks={"spark-2": settings("it['live-restore'] = True")},
    ),
    Fault(
        "swarm-address-gone",
        "the address that the swarm listens on went away, and docker does not come up",
        "network.addressed",
        "spark-2",
        f"{PORT} has no address",
        also=("network.persisted", "docker.running"),
        breaks={
            "spark-2": f"{STOP}; rm /etc/netplan/60-spark-runbook.yaml; ip addr flush dev {PORT}; "
            "systemctl start docker.service || true"
        },
    ),
    Fault(
        "toolkit-gone",
        "the NVIDIA runtime was removed",
        "toolkit.installed",
        "spark-2",
        "the toolkit is not installed",
        PERSON,
        breaks={"spark-2": "rm $(readlink -f $(command -v nvidia-container-runtime))"},
    ),
    Fault(
        "toolkit-old",
        "the toolkit is too old to heed swarm's resources",
        "toolkit.version",
        "spark-2",
        "before 1.19 the runtime may ignore which GPU swarm hands out",
        PERSON,
        breaks={"spark-2": edit_json(HARDWARE, "it['toolkit'] = '1.18.0'")},
    ),
    Fault(
        "config-toml-broken",
        "the runtime's config.toml cannot be read",
        "toolkit.settings_valid",
        "spark-2",
        "config.toml is no TOML",
        PERSON,
        breaks={"spark-2": f"echo '[[[' >>{CONFIG_TOML}"},
    ),
    Fault(
        "runtime-in-wrong-mode",
        "the runtime is told to hand out devices as swarm does not ask for them",
        "toolkit.mode",
        "spark-2",
        "another mode (csv is for Jetson)",
        PERSON,
        breaks={"spark-2": f"sed -i 's/^#* *mode = .*/mode = \"csv\"/' {CONFIG_TOML}"},
    ),
    Fault(
        "runtime-not-registered",
        "daemon.json does not know the NVIDIA runtime",
        "toolkit.registered",
        "spark-2",
        "daemon.json registers no runtime nvidia",
        also=("toolkit.registered_path", "gpu.default_runtime", "gpu.in_force"),
        allow=("restart-docker",),
        breaks={"spark-2": settings("it.pop('runtimes'); it.pop('default-runtime')")},
    ),
    Fault(
        "runtime-not-default",
        "the NVIDIA runtime is not the default",
        "gpu.default_runtime",
        "spark-2",
        "swarm cannot name a runtime: it takes the default",
        allow=("restart-docker",),
        also=("gpu.in_force",),
        breaks={"spark-2": settings("it.pop('default-runtime')")},
    ),
    Fault(
        "gpu-of-other-node",
        "daemon.json was copied from the other node: it offers that one's GPU",
        "gpu.offered",
        "spark-2",
        "the GPU of spark-1: the file was copied from there",
        allow=("restart-docker",),
        also=("gpu.in_force",),
        breaks={
            "spark-2": f"runuser -u nvidia -- ssh 192.168.100.1 cat {DAEMON_JSON} >/run/copied && "
            f"mv /run/copied {DAEMON_JSON} && systemctl restart docker"
        },
    ),
    Fault(
        "gpu-replaced",
        "the GPU was replaced, and daemon.json offers the old one",
        "gpu.offered",
        "spark-2",
        "which no node has",
        allow=("restart-docker",),
        also=("gpu.in_force",),
        breaks={"spark-2": settings(OFFER_OLD)},
    ),
    Fault(
        "gpu-not-offered",
        "daemon.json offers no GPU",
        "gpu.offered",
        "spark-2",
        "daemon.json offers no NVIDIA_GPU",
        allow=("restart-docker",),
        also=("gpu.in_force",),
        breaks={"spark-2": settings("it.pop('node-generic-resources')")},
    ),
    Fault(
        "docker-not-restarted",
        "daemon.json was corrected, and docker not restarted",
        "gpu.in_force",
        "spark-2",
        "it still has the old offers",
        allow=("restart-docker",),
        breaks={
            "spark-2": f"cp -p {DAEMON_JSON} /run/good.json; "
            + settings(OFFER_OLD)
            + f"; cp -p /run/good.json {DAEMON_JSON}; rm /run/good.json"
        },
    ),
    Fault(
        "swarm-resource-unnamed",
        "the runtime does not heed the variable by which swarm hands out GPUs",
        "gpu.swarm_resource",
        "spark-2",
        "swarm-resource is commented out",
        breaks={"spark-2": f"sed -i '/^swarm-resource/d' {CONFIG_TOML}"},
    ),
    Fault(
        "swarm-resource-of-the-playbook",
        "the runtime heeds the variable that the playbook names, which matches nothing",
        "gpu.swarm_resource",
        "spark-2",
        "the runtime looks for DOCKER_RESOURCE_GPU",
        breaks={"spark-2": f"sed -i 's/^swarm-resource.*/swarm-resource = \"DOCKER_RESOURCE_GPU\"/' {CONFIG_TOML}"},
    ),
)

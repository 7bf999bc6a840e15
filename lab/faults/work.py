"""Steps 6 to 9: image, directories, stack, containers and configuration."""

from typing import Final

from lab.faults.fault import PERSON, Fault
from lab.faults.nodes import HOME

WORKSPACE: Final = f"{HOME}/spark-runbook"
CACHE: Final = f"{HOME}/.cache/huggingface"
STACK: Final = "finetuning-multinode"

FAULTS: Final = (
    Fault(
        "image-missing",
        "the image is not on a node",
        "stack.image",
        "spark-2",
        "it would be pulled during the deployment",
        # By its name: the image itself cannot go while a container runs it.
        breaks={"spark-2": "docker images --format '{{.Repository}}:{{.Tag}}' | xargs docker rmi -f"},
    ),
    Fault(
        "image-differs",
        "a node has another image under the same name",
        "stack.same_image",
        None,
        "one tag, different images",
        also=("container.image",),
        breaks={
            "spark-2": "name=$(docker images --format '{{.Repository}}:{{.Tag}}' | head -n 1); "
            "tar -c -C / etc/hostname | docker import - $name"
        },
    ),
    Fault(
        "image-of-other-processor",
        "a node's image is for another processor",
        "stack.image_architecture",
        "spark-2",
        "exec format error",
        PERSON,
        also=("container.image",),
        breaks={
            "spark-2": "name=$(docker images --format '{{.Repository}}:{{.Tag}}' | head -n 1); mkdir /tmp/image; "
            "docker save $name | tar -x -C /tmp/image && cd /tmp/image && "
            """python3 -c '
import hashlib, json, pathlib
(image,) = json.loads(pathlib.Path("manifest.json").read_text())
settings = json.loads(pathlib.Path(image["Config"]).read_text())
data = json.dumps(settings | {"architecture": "s390x"}).encode()
image["Config"] = hashlib.sha256(data).hexdigest() + ".json"
pathlib.Path(image["Config"]).write_bytes(data)
pathlib.Path("manifest.json").write_text(json.dumps([image]))
pathlib.Path("index.json").unlink(missing_ok=True)
pathlib.Path("oci-layout").unlink(missing_ok=True)
' && tar -c . | docker load"""
        },
    ),
    Fault(
        "workspace-gone",
        "the directory that the container sees as its workspace is gone",
        "stack.directories",
        "spark-2",
        "bind source path does not exist",
        allow=("recreate-stack",),
        also=("stack.workload", "config.rendered", "container.workspace"),
        # Where another fault keeps the container from coming, it goes without.
        breaks={
            "spark-2": f"for n in $(seq 75); do docker ps -q | grep -q . && break; sleep 0.2; done; rm -rf {WORKSPACE}"
        },
    ),
    Fault(
        "workspace-of-root",
        "the workspace belongs to root",
        "stack.workspace_writable",
        "spark-2",
        "it belongs to another",
        breaks={"spark-2": f"chown root: {WORKSPACE}"},
    ),
    Fault(
        "cache-of-root",
        "the model cache belongs to root",
        "stack.cache_writable",
        "spark-2",
        "a download outside of a container would be refused",
        PERSON,
        warns=True,
        breaks={"spark-2": f"chown root: {CACHE}"},
    ),
    Fault(
        "program-edited",
        "the fine-tuning program of one node was edited",
        "stack.workload",
        "spark-2",
        "differ from this version's",
        breaks={"spark-2": f"echo '# mine' >>{WORKSPACE}/finetune/train.py"},
    ),
    Fault(
        "program-lost",
        "a file of the fine-tuning program is gone",
        "stack.workload",
        "spark-2",
        "files are missing",
        breaks={"spark-2": f"rm {WORKSPACE}/finetune/train.py"},
    ),
    Fault(
        "stack-removed",
        "somebody removed the stack",
        "stack.deployed",
        None,
        "that was deployed from here",
        breaks={"spark-1": f"docker stack rm {STACK}; sleep 3"},
    ),
    Fault(
        "stack-changed",
        "somebody changed the stack by hand",
        "stack.deployed",
        None,
        "the stack was deployed from another inventory or version",
        allow=("recreate-stack",),
        # Swarm takes up the change node by node, and it is done when all have.
        breaks={
            "spark-1": "docker service update --detach=false --label-add com.spark-runbook.digest=mine "
            f"{STACK}_finetune"
        },
    ),
    Fault(
        "service-updated",
        "somebody updated the stack's service by hand",
        "stack.untouched",
        None,
        "somebody updated it by hand",
        allow=("recreate-stack",),
        breaks={"spark-1": f"docker service update --detach=false --env-add NCCL_SOCKET_IFNAME=eth0 {STACK}_finetune"},
    ),
    Fault(
        "container-twice",
        "a second container carries the stack's label",
        "container.one",
        "spark-2",
        "several containers carry our label",
        PERSON,
        breaks={
            "spark-2": "docker run -d --label com.spark-runbook.cluster=lab "
            "$(docker images -q | head -n 1) sleep infinity"
        },
    ),
    Fault(
        "container-paused",
        "somebody paused the training container",
        "container.unpaused",
        "spark-2",
        "somebody has paused it",
        breaks={"spark-2": "docker pause $(docker ps -q)"},
    ),
    Fault(
        "ranks-both-zero",
        "both nodes are rank 0: they would wait for each other without a word",
        "config.rendered",
        "spark-2",
        "machine_rank: 0 instead of 1",
        breaks={"spark-2": f"sed -i 's/machine_rank: 1/machine_rank: 0/' {WORKSPACE}/accelerate.yaml"},
    ),
    Fault(
        "todo-left",
        "a TODO was left in the configuration",
        "config.rendered",
        "spark-2",
        "a TODO was left in accelerate.yaml",
        breaks={"spark-2": f"sed -i 's/main_process_ip:.*/main_process_ip: < TODO/' {WORKSPACE}/accelerate.yaml"},
    ),
    Fault(
        "port-taken",
        "another program has the port at which ranks meet",
        "config.port",
        None,
        "listens there: an earlier training may still hold it",
        PERSON,
        breaks={
            "spark-1": "setsid python3 -c 'import socket, time; s = socket.create_server((str(), 29500)); "
            "time.sleep(900)' >/dev/null 2>&1 </dev/null &"
        },
    ),
)

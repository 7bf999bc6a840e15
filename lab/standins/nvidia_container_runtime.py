"""nvidia-container-runtime: gives a new container the GPUs that its environment asks for, then hands over to runc.

Which they are, the real toolkit decides by NVIDIA_VISIBLE_DEVICES, or by the variable that `swarm-resource` in its
config.toml names, if the container has that (from 1.19 on; 1.18 ignores the setting). What a container gets here is the
nvidia-smi stand-in and a state file with those GPUs alone, or the devices of real ones.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.standins.hardware import STATE, load, parse, read
from lab.standins.real_gpu import with_devices

CONFIG = Path("/etc/nvidia-container-runtime/config.toml")
RUNC = "/usr/sbin/runc"
TOOLS = ("/usr/bin/nvidia-smi", "/usr/lib/spark-lab")
HONOURS_SWARM = (1, 19)


class NoSuchDevice(Exception):
    """A container asks for a GPU that the node does not have."""


def requested(environment: Mapping[str, str], config: str, toolkit: str) -> list[str]:
    """The devices a container asks for: UUIDs, indices or `all`; none if it asks for nothing.

    Args:
        environment: the container's.
        config: the text of config.toml.
        toolkit: the toolkit's version.
    """
    named = re.search(r'^swarm-resource\s*=\s*"([^"]*)"', config, re.MULTILINE)
    names = ["NVIDIA_VISIBLE_DEVICES"]
    if named and tuple(int(part) for part in toolkit.split(".")[:2]) >= HONOURS_SWARM:
        names = [*named[1].split(","), *names]
    value = next((environment[name] for name in names if name in environment), "")
    return [device for device in value.split(",") if device not in {"", "none", "void"}]


def visible(state: dict[str, Any], devices: Sequence[str]) -> dict[str, Any]:
    """The node's state with the requested GPUs alone.

    Raises:
        NoSuchDevice: if the node lacks one of them.
    """
    gpus = state["gpus"]
    by_name = {name: gpu for index, gpu in enumerate(gpus) for name in (str(index), gpu["uuid"])}
    if "all" in devices:
        return state
    for device in devices:
        if device not in by_name:
            raise NoSuchDevice(
                "could not apply required modification to OCI specification: error modifying OCI spec: "
                f"failed to inject CDI devices: unresolvable CDI devices runtime.nvidia.com/gpu={device}"
            )
    return {**state, "gpus": [by_name[device] for device in devices]}


def with_gpus(specification: dict[str, Any], state_file: Path) -> dict[str, Any]:
    """An OCI specification with the stand-ins mounted read-only."""
    sources = {STATE: str(state_file), **{tool: tool for tool in TOOLS}}
    mounts = [
        {"destination": target, "source": source, "type": "bind", "options": ["rbind", "ro"]}
        for target, source in sources.items()
    ]
    return {**specification, "mounts": [*specification.get("mounts", []), *mounts]}


def _option(arguments: Sequence[str], name: str) -> str | None:
    for position, argument in enumerate(arguments):
        if argument == name and position + 1 < len(arguments):
            return arguments[position + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None


def _prepare(bundle: Path) -> None:
    specification = json.loads((bundle / "config.json").read_text())
    pairs = (entry.partition("=") for entry in specification["process"].get("env", []))
    config = CONFIG.read_text() if CONFIG.exists() else ""
    devices = requested({name: value for name, _, value in pairs}, config, load().toolkit)
    if not devices:
        return
    state = visible(json.loads(read(STATE)), devices)
    if real := [device for gpu in parse(state).gpus for device in gpu.devices]:
        specification = with_devices(specification, sorted(set(real)))
    else:
        state_file = bundle / "spark-lab-hardware.json"
        state_file.write_text(json.dumps(state))
        specification = with_gpus(specification, state_file)
    (bundle / "config.json").write_text(json.dumps(specification))


def main() -> None:
    """Prepare the bundle where a container is created, and become runc."""
    arguments = sys.argv[1:]
    bundle = _option(arguments, "--bundle")
    if "create" in arguments and bundle:
        try:
            _prepare(Path(bundle))
        except NoSuchDevice as error:
            # containerd takes the reason from the log file, docker from standard error.
            if log := _option(arguments, "--log"):
                with Path(log).open("a") as stream:
                    stream.write(json.dumps({"level": "error", "msg": str(error)}) + "\n")
            print(error, file=sys.stderr)
            sys.exit(1)
    os.execv(RUNC, ["runc", *arguments])  # noqa: S606 - handing over to the real program is the point


if __name__ == "__main__":
    main()

"""nvidia-ctk: its version, `runtime configure` for docker, and `cdi list`."""

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

from lab.standins.hardware import load

COMMIT = "dffc40b4"


def configured(config: dict[str, Any], *, default: bool) -> dict[str, Any]:
    """A daemon.json with the runtime registered as the real tool registers it; all else stays as it is."""
    runtimes = {**config.get("runtimes", {}), "nvidia": {"args": [], "path": "nvidia-container-runtime"}}
    changed = {**config, "runtimes": runtimes}
    return {**changed, "default-runtime": "nvidia"} if default else changed


def _log(level: str, message: str) -> None:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(f'time="{now}" level={level} msg="{message}"', file=sys.stderr)


def _configure(path: Path, *, default: bool) -> None:
    _log("info", f"Loading config from {path}")
    try:
        config = json.loads(path.read_text())
    except FileNotFoundError:
        _log("info", "Config file does not exist; using empty config")
        config = {}
    except ValueError as error:
        _log("error", f"unable to load config for runtime docker: {error}")
        sys.exit(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(configured(config, default=default), indent=4, sort_keys=True))
    _log("info", f"Wrote updated config to {path}")
    _log("info", "It is recommended that docker daemon be restarted.")


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="nvidia-ctk")
    top.add_argument("--version", "-v", action="store_true")
    commands = top.add_subparsers(dest="command")
    runtime = commands.add_parser("runtime").add_subparsers(dest="runtime", required=True)
    configure = runtime.add_parser("configure")
    configure.add_argument("--runtime", choices=["docker"], default="docker")
    configure.add_argument("--config", type=Path, default=Path("/etc/docker/daemon.json"))
    configure.add_argument("--set-as-default", "--nvidia-set-as-default", action="store_true")
    cdi = commands.add_parser("cdi").add_subparsers(dest="cdi", required=True)
    cdi.add_parser("list")
    return top


def main() -> None:
    """Do what was asked."""
    arguments = _parser().parse_args()
    hardware = load()
    if arguments.version:
        print(f"NVIDIA Container Toolkit CLI version {hardware.toolkit}\ncommit: {COMMIT}")
    elif arguments.command == "runtime":
        _configure(arguments.config, default=arguments.set_as_default)
    elif arguments.command == "cdi":
        devices = [f"nvidia.com/gpu={name}" for i, gpu in enumerate(hardware.gpus) for name in (str(i), gpu.uuid)]
        devices.append("nvidia.com/gpu=all")
        _log("info", f"Found {len(devices)} CDI devices")
        print("\n".join(devices))
    else:
        _parser().print_help()


if __name__ == "__main__":
    main()

"""What the engines of two nodes and their swarm's manager answer, for tests to change."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.runbook.docker_answers import info

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MANAGER = "192.168.100.1"


def engine(
    node_id: str, address: str, *, state: str = "active", managers: tuple[str, ...] = (MANAGER,), **more: object
) -> str:
    """Build what `docker info` prints of a node in a swarm."""
    swarm = {
        "NodeID": node_id,
        "NodeAddr": address,
        "LocalNodeState": state,
        "ControlAvailable": address in managers,
        "RemoteManagers": [{"Addr": f"{manager}:2377"} for manager in managers],
        **more,
    }
    return info(Swarm=swarm)


def member(
    node_id: str,
    hostname: str,
    *,
    state: str = "ready",
    message: str = "",
    availability: str = "active",
    gpu: str = "",
    role: str = "worker",
) -> dict[str, Any]:
    """Build one entry of `docker node inspect`."""
    resources = [{"NamedResourceSpec": {"Kind": "NVIDIA_GPU", "Value": gpu}}] if gpu else None
    return {
        "ID": node_id,
        "Description": {"Hostname": hostname, "Resources": {"GenericResources": resources}},
        "Status": {"State": state, "Message": message, "Addr": ""},
        "Spec": {"Availability": availability, "Role": role},
    }


def members(*told: dict[str, Any]) -> str:
    """Build what `docker node inspect` prints."""
    return json.dumps(told)


def links(interface: str, *addresses: str) -> str:
    """Build what `ip -j addr` prints of one interface that is up."""
    told = [{"family": "inet", "local": address, "prefixlen": 24} for address in addresses]
    return json.dumps([{"ifname": interface, "operstate": "UP", "mtu": 1500, "addr_info": told}])


def certificate(*, days_old: float, days_left: float) -> str:
    """Build the clock of a node and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=days_old))
        .not_valid_after(NOW + timedelta(days=days_left))
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    return f"{NOW.timestamp():.0f}\n{pem.decode()}"

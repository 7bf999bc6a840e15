"""The limits that checks hold a cluster to: each with its unit, its source and which side of it is good."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Good = Literal["at most", "at least"]


@dataclass(frozen=True)
class Limit:
    """One limit as it holds in a run; `source` says who set the default."""

    name: str
    value: float
    good: Good
    unit: str
    source: str

    def margin(self, found: float) -> float:
        """Return how much is to spare, in the limit's unit; negative where it is broken."""
        return self.value - found if self.good == "at most" else found - self.value


def _limit(value: float, good: Good, unit: str, source: str) -> Any:
    return Field(
        default=value, gt=0, allow_inf_nan=False, json_schema_extra={"good": good, "unit": unit, "source": source}
    )


def _at_most(value: float, unit: str, source: str) -> Any:
    return _limit(value, "at most", unit, source)


def _at_least(value: float, unit: str, source: str) -> Any:
    return _limit(value, "at least", unit, source)


class Thresholds(BaseModel):
    """All limits; cluster.yaml may set each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gpu_temperature_c: float = _at_most(85.0, "°C", "NVIDIA ISV validation suite")
    swarm_certificate_percent: float = _at_least(
        10.0, "% of its life", "swarmkit renews a certificate before 80 % of its life are over"
    )
    answer_s: float = _at_most(3.0, "s", "ours: a tenth of a second is usual, and a run asks some twenty times")
    clock_offset_s: float = _at_most(0.5, "s", "a swarm's certificates begin to hold when they are made")
    disk_used_percent: float = _at_most(95.0, "%", "Imbue, setting up a cluster from bare metal")
    inodes_used_percent: float = _at_most(95.0, "%", "as for the space")
    shared_memory_gib: float = _at_least(1.0, "GiB", "NCCL user guide, on shared memory of containers: 1g")
    gpu_compute_percent: float = _at_least(
        70.0, "% of its reference", "this project: a job is as slow as its slowest GPU"
    )
    gpu_even_percent: float = _at_least(
        85.0, "% of the fastest", "this project: GPUs of one kind differ by some percent"
    )
    gpu_copy_percent: float = _at_least(70.0, "% of its reference", "this project: a job is as slow as its slowest GPU")
    gpu_clock_percent: float = _at_least(
        33.0, "% of its highest", "a Spark stuck in low power stays below 29, an H100 at its power limit works at 70"
    )
    gpu_link_percent: float = _at_least(
        50.0, "% of its best", "this project: a card of 16 lanes in a slot of 8 is usual"
    )
    training_percent: float = _at_least(
        80.0, "% of the recipe's reference", "NVIDIA: each of two Sparks trains at 94 to 98 % of one by itself"
    )
    training_last_percent: float = _at_least(
        90.0, "% of the last run", "this project: two runs of one recipe on the same GPUs differed by 3 % at most"
    )
    gpu_memory_free_percent: float = _at_least(50.0, "%", "this project: a fine-tune takes most of a GPU's memory")

    link_speed_mbps: float = _at_least(200_000, "Mb/s", "NVIDIA spark_cluster_setup (DGX Spark; a DGX Station: 400000)")
    link_pcie_gbps: float = _at_least(
        100, "Gb/s", "half of a 200 Gb/s port, whose two interfaces have PCIe 5.0 x4 each"
    )
    link_flaps: float = _at_most(50, "times since boot", "ours: a link comes and goes with each boot of either end")
    link_errors: float = _at_most(100, "frames since boot", "ours: a good cable breaks next to none")
    tcp_gbps: float = _at_least(80, "Gb/s an interface", "community: 96 Gb/s on each interface of a 200 Gb/s port")
    rdma_gbps: float = _at_least(80, "Gb/s an interface", "NVIDIA's guide: 92.6 and 97.3 with ib_write_bw")
    rdma_least_gbps: float = _at_least(
        25, "Gb/s an interface", "NVIDIA's playbooks: 8 to 25 where the adapter kept a stale state from its last boot"
    )
    rdma_us: float = _at_most(3, "µs", "community: 1.4 with ib_write_lat on a direct cable")
    collective_gb_per_s: float = _at_least(21.875, "GB/s on the bus", "NVIDIA: 175 Gb/s; 23.7 and 25.7 GB/s were seen")
    collective_least_gb_per_s: float = _at_least(
        5, "GB/s on the bus", "ours: sockets or a detour move less, RDMA over half a port moves twice as much"
    )
    ping_ms: float = _at_most(1.0, "ms", "ours: one cable or switch; a round trip takes about 0.1 ms")

    @model_validator(mode="before")
    @classmethod
    def _below(cls, given: Any) -> Any:
        """Have the least that is no failure follow a limit that was set below it."""
        if not isinstance(given, dict):
            return given
        for least, limit in (("rdma_least_gbps", "rdma_gbps"), ("collective_least_gb_per_s", "collective_gb_per_s")):
            lower = given.get(limit)
            if least not in given and isinstance(lower, int | float) and lower < cls.model_fields[least].default:
                given = given | {least: lower}
        return given

    def limit(self, name: str) -> Limit:
        """Return a limit with what is known of it."""
        extra = type(self).model_fields[name].json_schema_extra
        assert isinstance(extra, dict)  # every field is made by _limit
        return Limit(name, getattr(self, name), **extra)  # type: ignore[arg-type]  # JSON's type is wider than ours

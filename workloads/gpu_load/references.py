"""What a healthy GPU reaches with our program, by the name it gives itself."""

from dataclasses import dataclass

# What an H100 and an H200 reached of their data sheets' 989 TFLOP/s, 3.35 and 4.8 TB/s; others are held to the same
# shares of theirs, since all are held back by power alike.
_OF_COMPUTE, _OF_MEMORY = 0.68, 0.89


@dataclass(frozen=True)
class Reference:
    """A product of bf16 matrices in TFLOP/s, a copy within its memory in GB/s (read and written), and who says so."""

    tflops: float
    copy_gb_s: float
    source: str


def _data_sheet(tflops: float, gb_s: float) -> Reference:
    source = f"{_OF_COMPUTE:.0%} and {_OF_MEMORY:.0%} of the data sheet's {tflops:g} TFLOP/s and {gb_s:g} GB/s"
    return Reference(round(_OF_COMPUTE * tflops, 1), round(_OF_MEMORY * gb_s, 1), source)


REFERENCES = {
    "NVIDIA GB10": Reference(60.0, 205.0, "two owners' measurements of October 2025; 75% of the data sheet's 273 GB/s"),
    "NVIDIA H100 80GB HBM3": Reference(670.0, 2980.0, "measured with this program, at its power limit of 700 W"),
    "NVIDIA H100 PCIe": _data_sheet(756, 2039),
    "NVIDIA H100 NVL": _data_sheet(835, 3900),
    "NVIDIA H200": Reference(670.0, 4210.0, "measured with this program, at its power limit of 700 W"),
    "NVIDIA H200 NVL": _data_sheet(835, 4800),
    "NVIDIA GH200 480GB": _data_sheet(989, 4000),
    "NVIDIA B200": _data_sheet(2250, 8000),
    "NVIDIA A100-SXM4-80GB": _data_sheet(312, 2039),
    "NVIDIA A100-SXM4-40GB": _data_sheet(312, 1555),
    "NVIDIA A100 80GB PCIe": _data_sheet(312, 1935),
    "NVIDIA A100-PCIE-40GB": _data_sheet(312, 1555),
    "NVIDIA L40S": _data_sheet(362, 864),
    "NVIDIA RTX 6000 Ada Generation": _data_sheet(364, 960),
    "NVIDIA GeForce RTX 4090": _data_sheet(165, 1008),
    "NVIDIA GeForce RTX 5090": _data_sheet(209, 1792),
}
"""Figures are those of dense matrices; names are whole, since a laptop's GPU of the same number is a smaller one."""

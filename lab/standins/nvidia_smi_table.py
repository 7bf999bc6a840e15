"""nvidia-smi without arguments: the table."""

from lab.standins.hardware import Hardware

RULE = "+-----------------------------------------------------------------------------------------+"
SPLIT = "+-----------------------------------------+------------------------+----------------------+"
HEADING = """\
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|"""
PROCESSES = f"""\
{RULE}
| Processes:                                                                              |
|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |
|        ID   ID                                                               Usage      |
|=========================================================================================|
|  No running processes found                                                             |
{RULE}"""


def render(hardware: Hardware, now: str) -> str:
    """The table; `now` is the time as ctime(3) prints it."""
    driver = hardware.driver
    versions = f"NVIDIA-SMI {driver.version:<22} Driver Version: {driver.version:<14} CUDA Version: {driver.cuda:<7} "
    lines = [f"{now:<24}       ", RULE, f"| {versions:<87} |", SPLIT, HEADING]
    for index, gpu in enumerate(hardware.gpus):
        lines += [
            f"|{index:4d}  {gpu.name:<31}On  |   {gpu.bus_id} Off | {'N/A':>20} |",
            f"| N/A {gpu.temperature:>4d}C    P8              4W /  N/A  | {'Not Supported':<22} "
            "|      0%      Default |",
            f"| {'':<39} | {'':<22} | {'N/A':>20} |",
            SPLIT,
        ]
    return "\n".join([*lines, "", PROCESSES])

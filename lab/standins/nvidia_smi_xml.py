"""nvidia-smi -q -x: the log as XML, as far as anything is read from it.

Elements are named as driver 580 names them on an H100; that a GB10 has no memory, power limit, ECC or MIG to tell of is
how its other outputs say it.
"""

import xml.etree.ElementTree as Xml

from lab.standins.hardware import Gpu, Hardware

GB10 = {
    "product_architecture": "Blackwell",
    "persistence_mode": "Enabled",
    "addressing_mode": "ATS",
    "mig_mode/current_mig": "N/A",
    "mig_mode/pending_mig": "N/A",
    "serial": "N/A",
    "gpu_recovery_action": "None",
    "pci/pci_gpu_link_info/pcie_gen/max_link_gen": "1",
    "pci/pci_gpu_link_info/pcie_gen/current_link_gen": "1",
    "pci/pci_gpu_link_info/link_widths/max_link_width": "1x",
    "pci/pci_gpu_link_info/link_widths/current_link_width": "1x",
    "fan_speed": "N/A",
    "performance_state": "P8",
    "clocks_event_reasons/clocks_event_reason_gpu_idle": "Active",
    "clocks_event_reasons/clocks_event_reason_sw_power_cap": "Not Active",
    "clocks_event_reasons/clocks_event_reason_hw_slowdown": "Not Active",
    "clocks_event_reasons/clocks_event_reason_hw_thermal_slowdown": "Not Active",
    "clocks_event_reasons/clocks_event_reason_hw_power_brake_slowdown": "Not Active",
    "clocks_event_reasons/clocks_event_reason_sw_thermal_slowdown": "Not Active",
    "fb_memory_usage/total": "N/A",
    "fb_memory_usage/reserved": "N/A",
    "fb_memory_usage/used": "N/A",
    "fb_memory_usage/free": "N/A",
    "compute_mode": "Default",
    "ecc_mode/current_ecc": "N/A",
    "ecc_errors/volatile/sram_uncorrectable_parity": "N/A",
    "ecc_errors/volatile/sram_uncorrectable_secded": "N/A",
    "ecc_errors/volatile/dram_uncorrectable": "N/A",
    "remapped_rows/remapped_row_pending": "N/A",
    "remapped_rows/remapped_row_failure": "N/A",
    "gpu_power_readings/average_power_draw": "4.15 W",
    "gpu_power_readings/current_power_limit": "N/A",
    "gpu_power_readings/default_power_limit": "N/A",
    "clocks/sm_clock": "208 MHz",
    "max_clocks/sm_clock": "3003 MHz",
    "fabric/state": "N/A",
    "fabric/status": "N/A",
}
"""What an idle one says, by the path of the element; a GPU's `says` in the state file goes before it."""


def render(hardware: Hardware, now: str) -> str:
    """The log; `now` is the time as ctime(3) prints it."""
    root = Xml.Element("nvidia_smi_log")
    seen = [gpu for gpu in hardware.gpus if gpu.state != "unseen"]
    for name, value in (
        ("timestamp", now),
        ("driver_version", hardware.driver.version),
        ("cuda_version", hardware.driver.cuda),
        ("attached_gpus", str(len(seen))),
    ):
        Xml.SubElement(root, name).text = value
    for index, gpu in enumerate(seen):
        root.append(_gpu(index, gpu))
    Xml.indent(root, "\t")
    head = '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">\n'
    return head + Xml.tostring(root, encoding="unicode")


def _gpu(index: int, gpu: Gpu) -> Xml.Element:
    element = Xml.Element("gpu", {"id": gpu.bus_id})
    own = {
        "product_name": gpu.name,
        "uuid": gpu.uuid,
        "minor_number": str(index),
        "pci/pci_bus_id": gpu.bus_id,
        "temperature/gpu_temp": f"{gpu.temperature} C",
    }
    for path, value in {**own, **GB10, **gpu.says}.items():
        _part(element, path).text = value
    for process in gpu.processes:
        info = Xml.SubElement(_part(element, "processes"), "process_info")
        for name, value in process.items():
            Xml.SubElement(info, name).text = value
    return element


def _part(element: Xml.Element, path: str) -> Xml.Element:
    """The element at a path, made where it is not there."""
    for name in path.split("/"):
        found = element.find(name)
        element = Xml.SubElement(element, name) if found is None else found
    return element

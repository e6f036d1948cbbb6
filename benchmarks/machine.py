"""What the numbers were measured on, and with."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.places import HERE


def machine(authorities: int) -> dict[str, str]:
    """Return the machine and the versions, by name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "Processor": f"{os.cpu_count()} cores, {_processor()}",
        "Busy with something else when it began": f"{os.getloadavg()[0]:.1f} processes (load average)",
        "Memory": f"{memory:.0f} GiB",
        "System": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Node.js": node.removeprefix("v"),
        "aws-cdk-lib": version("aws-cdk-lib"),
        "boto3": version("boto3"),
        "crhelper": version("crhelper"),
        "@aws-sdk/client-rekognition": _pinned("client-rekognition"),
        "Authorities that clients read": f"{authorities} and this run's own",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _pinned(package: str) -> str:
    locked = json.loads((HERE / "package-lock.json").read_text())
    return str(locked["packages"][f"node_modules/@aws-sdk/{package}"]["version"])

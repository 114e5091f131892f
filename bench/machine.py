"""What the measurements were made on."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from native import levels
from peak import compiler
from threadpoolctl import threadpool_info

PACKAGES = ("cfensemble", "numpy", "scipy", "torch", "cmfrec", "implicit")


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, compilers and versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "compiler": _first_line(*compiler().split(), "--version"),
        "cfensemble built with": next(iter(levels().values())).build_config(),
        "levels": list(levels()),
        "thread pools": [{key: pool[key] for key in ("internal_api", "version")} for pool in threadpool_info()],
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor()


def _first_line(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.partition("\n")[0]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

"""Which machine was this measured on? Named in every result file."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path

OUT = Path(__file__).parent / "out"


def machine() -> dict[str, object]:
    """Processor, cores, memory, system and how busy it was."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gb": round(memory),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def keep(name: str, result: dict[str, object], folder: Path = OUT) -> Path:
    """Write a result with the machine named; where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **result}, indent=2) + "\n")
    return path

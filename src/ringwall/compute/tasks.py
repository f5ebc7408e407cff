"""Which tasks may run in a worker? A closed list: name to `module:function`.

* A function takes bytes and gives bytes. The same bytes give the same bytes, whatever ran before in that worker: what
  it keeps between calls is compiled from its input, bounded, and kept apart for each tenant.
* It raises `ValueError` for a payload that it cannot take. Whatever else it raises ends the worker.
* Its module is imported in the worker only, so that solvers and foreign libraries never stand in the gateway.
"""

from __future__ import annotations

from collections.abc import Mapping

TASKS: Mapping[str, str] = {
    "logic.check": "ringwall.detectors.logic_solver:check",
    "request.crs": "ringwall.detectors.modsecurity:examine",
}
"""What is not here cannot be run."""

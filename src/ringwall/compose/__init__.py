"""Which concrete class stands behind which port? The one place that names them and wires them together.

* `installation`: a data directory with its root key, its stores and its ledger.
* `running`: a plan as the snapshot that serves requests.
* `monitor`: what watches the ledger.
* `doors`: the applications of the two listeners.
* `egress`: the egress proxy, a process of its own.
"""

from typing import TYPE_CHECKING

from ringwall.compose.doors import Door, make_administration, make_door
from ringwall.compose.egress import EgressDoor, make_egress
from ringwall.compose.installation import (
    Installation,
    RootSource,
    SystemClock,
    default_config_dir,
    default_data_dir,
    keep_fresh,
    keep_looking,
)
from ringwall.compose.monitor import make_monitor, watch
from ringwall.compose.running import (
    built_controls,
    close_running,
    make_running,
    make_tool_server,
    read_plan,
    settings_types,
    warm,
)
from ringwall.policy.planned import make_policy

if TYPE_CHECKING:
    from ringwall.compose.doors import Administration as Administration

__all__ = [
    "Door",
    "EgressDoor",
    "Installation",
    "RootSource",
    "SystemClock",
    "built_controls",
    "close_running",
    "default_config_dir",
    "default_data_dir",
    "keep_fresh",
    "keep_looking",
    "make_administration",
    "make_door",
    "make_egress",
    "make_monitor",
    "make_policy",
    "make_running",
    "make_tool_server",
    "read_plan",
    "settings_types",
    "warm",
    "watch",
]

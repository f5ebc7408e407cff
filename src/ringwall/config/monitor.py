"""What may the monitor do by itself? The table `[monitor]` as a part of the plan.

* A scope that is never contained is spelled as everywhere: `kind:name`, of a kind that there is. A misspelt one would
  leave somebody to be contained who must not be.
"""

from __future__ import annotations

from dataclasses import fields

from ringwall.config.document import Document
from ringwall.config.read import nearest
from ringwall.config.schema import Monitor
from ringwall.model.plan import MonitorPlan
from ringwall.model.scopes import KINDS


def read_monitor(document: Document, table: Monitor) -> MonitorPlan:
    """The table as it runs.

    Raises:
        ConfigError: A scope that is never contained is none.
    """
    for each in table.never_contain:
        kind, colon, name = each.partition(":")
        if kind not in KINDS or not colon or not name:
            hint = nearest(kind, KINDS) or f"kind:name, of a kind among: {', '.join(KINDS)}"
            raise document.error(f'"{each}" is no scope', "monitor", "never_contain", hint=hint)
    return MonitorPlan(**{each.name: getattr(table, each.name) for each in fields(MonitorPlan)})

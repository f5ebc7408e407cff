"""Ringwall: the AWS AI Security Framework as running software.

An AI security gateway that enforces every layer of the framework on every model and tool call, and a control plane
that knows, proves and answers for it. `docs/explanation/house.md` shows the rooms; the road of a request is
`ringwall.engine.exchange`.
"""

__version__ = "0.1.0"

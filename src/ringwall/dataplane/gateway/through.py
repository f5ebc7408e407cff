"""Through which proxy does the gateway reach models and tool servers, and as whom?"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Through:
    """An egress proxy on the way.

    Attributes:
        proxy: Its address, `http://host:port`.
        workload: For which workload it is asked.
        key: The gateway's key for it.
    """

    proxy: str
    workload: str
    key: str = field(repr=False)

    def headers(self, url: str, headers: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The headers of a request, and those that go with the tunnel in which it is made.

        A plain request is one message for proxy and destination, and the proxy takes its credential out; a tunnel is
        asked for in a message of its own.
        """
        ours = {"Proxy-Authorization": self.authorization}
        return (headers, ours) if url.lower().startswith("https:") else ({**headers, **ours}, {})

    @property
    def authorization(self) -> str:
        """The value of `Proxy-Authorization`."""
        return "Basic " + base64.b64encode(f"{self.workload}:{self.key}".encode()).decode("ascii")

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.process import SOURCE, Gateway


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway on embedded defaults for all tests of a worker; tools that nobody declared pass as intent."""
    folder = tmp_path_factory.mktemp("gateway")
    laptop = (SOURCE / "ringwall" / "config" / "laptop.toml").read_text()
    until = (datetime.now(UTC) + timedelta(days=30)).date()
    leave = f'undeclared = "allow"\nreason = "tests offer tools of their own"\nuntil = {until}\n'
    config = folder / "laptop.toml"
    config.write_text(f'{laptop}\n[workloads.rehearsal.controls."identity_data.tool_permission"]\n{leave}')
    made = Gateway(folder, ["--config", str(config)]).start()
    yield made
    made.stop()

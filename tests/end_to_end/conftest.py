from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.process import Gateway


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway on embedded defaults for all tests of a worker."""
    made = Gateway(tmp_path_factory.mktemp("gateway")).start()
    yield made
    made.stop()

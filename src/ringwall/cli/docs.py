"""`python -m ringwall.cli.docs FOLDER`: writes the generated pages of the reference. A test compares them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ringwall.catalog.load import load_catalog
from ringwall.catalog.reference import controls_page
from ringwall.cli.main import command
from ringwall.cli.reference import cli_page
from ringwall.cli.upstreams_page import upstreams_page
from ringwall.compose import settings_types
from ringwall.config.reference import configuration_page


def pages() -> Mapping[str, str]:
    """Every generated page, by file name."""
    return {
        "cli.md": cli_page(command()),
        "configuration.md": configuration_page(load_catalog(), settings_types()),
        "controls.md": controls_page(load_catalog()),
        "upstreams.md": upstreams_page(),
    }


def write(folder: Path) -> None:
    """Write them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))

"""The tables of docs/pictures.md are what the package does."""

import picture_table
import pytest

from jaxprior.data.kinds import AVIF


def without_avif(text: str) -> list[str]:
    """The lines that do not depend on whether this Pillow reads AVIF."""
    return [line for line in text.splitlines() if AVIF or "avif" not in line.lower()]


def test_the_tables_of_the_documentation_are_true():
    """If they are not, `python tests/picture_table.py` writes them again; read what has changed."""
    assert without_avif(picture_table.tables()) == without_avif(picture_table.in_page())


def test_there_are_enough_files_in_the_table():
    rows = [line for line in picture_table.in_page().splitlines() if line.startswith("| ")]
    assert len(rows) >= 60


@pytest.mark.parametrize("given", picture_table.PLACES, ids=lambda given: given[0])
def test_whatever_is_said_is_one_line(given):
    assert "\n" not in picture_table.place_row(*given)[2]

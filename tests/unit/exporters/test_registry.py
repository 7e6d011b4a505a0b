import pytest

from headrace.exporters.formats.dialect import Shape, Written
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.rowfile import RowFile
from tests.corpus import corpus


def test_every_format_is_listed_by_its_own_name_with_a_line_about_it() -> None:
    assert all(name == row.name and row.about for name, row in FORMATS.items())


def test_every_format_has_a_module_that_writes_records_and_a_page() -> None:
    for row in FORMATS.values():
        assert callable(row.dialect.records)
        assert callable(row.dialect.pages)


@pytest.mark.parametrize(
    ("format", "objective"), [(n, o) for n, row in FORMATS.items() for o in row.objectives]
)
def test_there_is_a_page_even_where_nothing_is_left_to_train_on(
    format: str, objective: Objective
) -> None:
    """So that what is wrong is told, and not that a page could not be written."""
    written = Written(
        shape=Shape.of("refunds", objective, RowFile.of(corpus(objective))),
        files={},
        columns=(),
        longest=0,
        loss=LossReport(format=format),
    )
    pages = FORMATS[format].dialect.pages(written)
    assert "Nothing." in pages["HOWTO.md"]

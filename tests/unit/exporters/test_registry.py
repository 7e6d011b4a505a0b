import sys
from types import ModuleType

import pytest

from headrace.exporters.errors import UnknownFormat
from headrace.exporters.formats import registry
from headrace.exporters.formats.registry import FORMATS, Format, writer
from headrace.lake.errors import MissingExtra


@pytest.fixture
def formats(monkeypatch: pytest.MonkeyPatch) -> dict[str, Format]:
    """A table of formats to add to."""
    made = dict(FORMATS)
    monkeypatch.setattr(registry, "FORMATS", made)
    return made


def module(monkeypatch: pytest.MonkeyPatch, name: str, missing: str) -> None:
    """A module that does not come to life because another one is missing."""

    class Finder:
        @staticmethod
        def find_spec(wanted: str, path: object = None, target: object = None) -> None:
            if wanted == name:
                raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])


def test_a_missing_extra_says_what_to_install(
    formats: dict[str, Format], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "headrace.exporters.formats.far"
    formats["far"] = Format(name="far", module=name, about="far away", extra="headrace[far]")
    module(monkeypatch, name, "faraway.client")
    with pytest.raises(MissingExtra, match=r"'far' needs: pip install 'headrace\[far\]'"):
        writer("far")


@pytest.mark.parametrize("extra", ["headrace[far]", None])
def test_a_broken_module_of_ours_is_never_dressed_up_as_a_missing_extra(
    formats: dict[str, Format], extra: str | None
) -> None:
    name = "headrace.exporters.formats.no_such_module"
    formats["far"] = Format(name="far", module=name, about="far away", extra=extra)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        writer("far")


def test_a_format_that_needs_nothing_more_hides_no_error(
    formats: dict[str, Format], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "headrace.exporters.formats.far"
    formats["far"] = Format(name="far", module=name, about="far away")
    module(monkeypatch, name, "faraway")
    with pytest.raises(ModuleNotFoundError, match="faraway"):
        writer("far")


def test_a_new_format_is_found_and_named_among_the_others(
    formats: dict[str, Format], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ModuleType("headrace.exporters.formats.near")
    made.write = len  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, made.__name__, made)
    formats["near"] = Format(name="near", module=made.__name__, about="at hand")
    found: object = writer("near")
    assert found is len
    with pytest.raises(UnknownFormat, match="no format 'TRL'; there are: trl, near"):
        writer("TRL")


def test_every_format_is_listed_by_its_own_name_with_a_line_about_it() -> None:
    assert all(name == row.name and row.about for name, row in FORMATS.items())

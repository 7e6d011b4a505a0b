from headrace.exporters.formats.registry import FORMATS


def test_every_format_is_listed_by_its_own_name_with_a_line_about_it() -> None:
    assert all(name == row.name and row.about for name, row in FORMATS.items())


def test_every_format_has_a_module_that_writes_records_and_a_page() -> None:
    for row in FORMATS.values():
        assert callable(row.dialect.records)
        assert callable(row.dialect.pages)

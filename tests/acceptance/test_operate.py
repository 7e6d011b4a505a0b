"""The pages for operators and the examples they copy agree with the code."""

import configparser
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.ingest.logbook import Logbook
from headrace.ingest.metrics import registry
from headrace.ingest.spool import Spool
from headrace.ingest.tally import Tally
from headrace.ingest.works import stop_s
from headrace.lake.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DEPLOY = DOCS / "deploy"
PAGE = (DOCS / "operate.md").read_text()
NOW = datetime(2026, 1, 1, tzinfo=UTC)

FIELDS = Settings.model_fields
VARIABLE = re.compile(r"\bHEADRACE_[A-Z][A-Z_]*[A-Z]\b")
METRIC = re.compile(r"\bheadrace_[a-z][a-z_]*[a-z]\b")
ROW = re.compile(r"^\| `HEADRACE_(\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
# a key of one's own in an example, not a setting
NO_SETTING = {"HEADRACE_KEY"}
# what the derived names of a histogram and the families of processes are written as
SUFFIX = re.compile(r"_(bucket|count|sum)$")


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted(DEPLOY.iterdir())]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_that_a_page_names_is_a_setting(page: Path) -> None:
    named = set(VARIABLE.findall(page.read_text())) - NO_SETTING
    assert {name for name in named if name.removeprefix("HEADRACE_").lower() not in FIELDS} == set()


def test_the_table_of_settings_has_every_setting_once_and_its_default() -> None:
    rows = ROW.findall((DOCS / "settings.md").read_text())
    assert sorted(name.lower() for name, _, _ in rows) == sorted(FIELDS)
    given = {name.lower(): default for name, default, _ in rows}
    for name, field in FIELDS.items():
        default, told = field.default, given[name].strip("`")
        if isinstance(default, bool):
            assert told == str(default).lower()
        elif isinstance(default, int | float):
            assert float(told) == default, name
        elif default:
            assert told == str(default), name


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all that can be measured."""
    home = tmp_path_factory.mktemp("home")
    tally = Tally()
    tally.drain_pid, tally.drain_restarts = 1, 0
    tally.answered("traces", 200, 0.001)
    tally.refused["busy"] += 1
    logbook = Logbook(home, pid=1, clock=lambda: NOW)
    logbook.counted(0)
    logbook.committed(
        bodies=1, received_at=NOW, rows={"spans": 1}, set_aside=0, seconds=0.1, removed={"k": 1}
    )
    with Spool.open(Settings(home=home)) as spool:
        spool.append("traces", "application/json", None, b"{}", NOW).result()
        families = list(registry(home, 1, spool, tally).collect())
    samples = {sample.name for family in families for sample in family.samples}
    return {SUFFIX.sub("", name) for name in samples}


def test_every_metric_has_its_line_on_the_page(measured: set[str]) -> None:
    section = PAGE.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    named = {SUFFIX.sub("", name) for name in METRIC.findall(section)}
    own = {name for name in measured if "_process_" not in name}
    assert own - named == set()


def test_every_metric_that_is_named_exists(measured: set[str]) -> None:
    for text in (PAGE, (DEPLOY / "alerts.yaml").read_text()):
        named = {SUFFIX.sub("", name) for name in METRIC.findall(text)}
        families = {"headrace_process", "headrace_drain_process", "headrace_drain"}
        assert named - measured - families == set()


def test_every_event_of_the_log_has_its_line_on_the_page() -> None:
    rooms = ("ingest/headrace/ingest",)
    code = "".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    events = set(re.findall(r"\blog\.(?:info|warning|error)\(\s*\"(\w+)\"", code))
    assert len(events) >= 10
    section = PAGE.partition("\n## Log\n")[2].partition("\n## ")[0]
    assert events - set(re.findall(r"`(\w+)`", section)) == set()


def test_a_supervisor_waits_longer_than_a_stop_takes() -> None:
    needed = stop_s(Settings())
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(DEPLOY / "headrace.service")
    assert float(unit["Service"]["timeoutstopsec"]) > needed
    assert unit["Service"]["killmode"] == "mixed"
    kubernetes = (DEPLOY / "kubernetes.yaml").read_text()
    [grace] = re.findall(r"terminationGracePeriodSeconds: (\d+)", kubernetes)
    assert float(grace) > needed
    for seconds in re.findall(r"--stop-timeout (\d+)", PAGE):
        assert float(seconds) > needed


def test_the_examples_use_the_home_and_port_that_they_say() -> None:
    for name in ("headrace.service", "Dockerfile", "kubernetes.yaml"):
        assert "/var/lib/headrace" in (DEPLOY / name).read_text()
    for name in ("Dockerfile", "kubernetes.yaml"):
        text = (DEPLOY / name).read_text()
        ports = re.findall(r"'127\.0\.0\.1', (\d+)", text)
        assert {int(port) for port in ports} == {Settings().port}


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert len(links) >= 6
    assert [link for link in links if not (DOCS / link).exists()] == []

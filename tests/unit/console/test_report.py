import msgspec
import pytest
from rich.console import Console

from headrace.console.report import Product, Report, show
from headrace.flows.night import Line

RATE = {
    "episodes": 39, "pending": 3, "successes": 11, "failures": 24,
    "rate": 11 / 35, "low": 0.186, "high": 0.481,
}  # fmt: skip
PRODUCT = Product(
    project="airline[eu]",
    arrived={"traces": 1400, "spans": 21000, "outcomes": 1390},
    episodes=1400,
    success=431,
    failure=900,
    pending=69,
    tasks=35,
    tasks_with_both=17,
    late=12,
    pending_before=35,
    releases=[
        {"release": "1.0[rc]", **RATE},
        {
            **RATE,
            "release": None,
            "rate": None,
            "low": None,
            "high": None,
            "successes": 0,
            "failures": 0,
        },
    ],
    lines=(
        Line(project="a", step="dedupe", said="kept", dropped={"duplicate": 3}),
        Line(project="a", step="sft", said="20 rows", kept=20, dropped={"not_success": 9}),
        Line(project="a", step="kto", said="no suite: [--without-evals]", state="refused"),
    ),
    trend="Cannot tell [yet].",
    verdict="Not yet. 20 of 500 [usable] successes.",
    chart="out/charts/airline.svg",
)


def shown(*products: Product) -> str:
    to = Console(width=100, highlight=False, markup=False, emoji=False)
    with to.capture() as captured:
        show(Report(out="out", products=products), to)
    return captured.get()


@pytest.fixture(scope="module")
def words() -> str:
    return " ".join(shown(PRODUCT).split())


@pytest.mark.parametrize(
    "said",
    [
        "airline[eu]",
        "1,400 traces with 21,000 spans became 1400 episodes: 431 successes, 900 failures,",
        "900 failures, 69 pending;",
        "35 tasks, 17 with both outcomes",
        "12 outcomes came late: the first night held 35 episodes as pending, not as failures",
        "1.0[rc] 39 3 35 11 31.4 % 18.6 % to 48.1 %",
        "Verdict Not yet. 20 of 500 [usable] successes.",
        "Trend of the suite 'production': Cannot tell [yet].",
        "chart out/charts/airline.svg",
        "explore: headrace status --home out/lake",
    ],
)
def test_the_report_says(words: str, said: str) -> None:
    assert said in words


def test_a_rate_that_was_not_measured_is_a_dash(words: str) -> None:
    assert "- 39 3 0 0 - - to -" in words


def test_every_drop_has_its_step_and_its_reason(words: str) -> None:
    assert "dedupe 3 duplicate" in words
    assert "sft 9 not_success" in words


def test_a_data_set_that_was_refused_has_no_rows_and_says_why(words: str) -> None:
    assert "sft 20 20 rows" in words
    assert "kto - no suite: [--without-evals]" in words


def test_a_step_that_makes_no_data_set_is_not_listed_among_them(words: str) -> None:
    assert "dedupe" not in words.partition("Data sets")[2]


def test_every_project_has_its_part() -> None:
    other = msgspec.structs.replace(PRODUCT, project="second")
    lines = [line for line in shown(PRODUCT, other).splitlines() if "──" in line]
    assert [line.split()[0] for line in lines[:2]] == ["airline[eu]", "second"]

"""What must hold for a whole data set before its folder appears."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from unicodedata import category

from headrace.exporters.eligibility import Finding
from headrace.exporters.errors import (
    EvalLeak,
    LossyFormat,
    NoSuite,
    NothingToExport,
    OneLabelOnly,
    TooFew,
    TooLarge,
    UnusableName,
)
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.loss import LossReport, meaning
from headrace.exporters.formats.registry import Format
from headrace.exporters.reason import advice
from headrace.exporters.recipe import Recipe
from headrace.exporters.selection import Selection

_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, half characters, line and paragraph ends


def check_name(name: str) -> None:
    """Raises UnusableName for a data set's name that is blank or breaks the line it stands in."""
    if not name.strip() or any(category(sign) in _UNSEEN for sign in name):
        raise UnusableName(
            f"{name!r} is no name for a data set, which takes one line of text without control "
            "characters: name it like 'refunds'"
        )


def check_suites(project: str, suites: Mapping[str, int], recipe: Recipe) -> None:
    """Raises NoSuite where no case stands against the export and the recipe wants one."""
    if not suites and not recipe.without_evals:
        raise NoSuite(
            f"project {project!r} has no suite with cases, so nothing would say whether training "
            "on this data helps: build one with `headrace eval build`, or accept that with "
            "--without-evals"
        )


def check_rows(selection: Selection) -> None:
    """Raises NothingToExport or OneLabelOnly where no training could follow."""
    rows, train = selection.rows, selection.rows.count("train")
    if not len(rows):
        raise NothingToExport(_nothing(selection))
    if not train:
        raise NothingToExport(
            f"all {len(rows)} rows are on the test side of the split, none to train on: "
            "bring more episodes"
        )
    good = rows.count("train", label=True)
    if selection.objective == "kto" and good in (0, train):
        there, missing = ("success", "failures") if good else ("failure", "successes")
        raise OneLabelOnly(
            f"all {train} rows to train on are a {there}, and an unpaired set needs both: "
            f"send outcomes of {missing} too, or build --objective sft from successes"
        )


def check_enough(selection: Selection, recipe: Recipe) -> None:
    """Raises TooFew where the recipe asks for more rows to train on than there are."""
    train = selection.rows.count("train")
    if train < recipe.least_rows:
        raise TooFew(
            f"there are {train} rows to train on, and the recipe asks for {recipe.least_rows}: "
            "bring more episodes (`headrace dataset plan` says what would help most) or lower its "
            "least_rows"
        )


def check_leaks(found: Mapping[str, Finding], recipe: Recipe) -> int:
    """How many episodes overlap the evaluation; raises EvalLeak unless that is accepted."""
    if found and not recipe.accept_leaks:
        shown = "; ".join(_told(name, found[name]) for name in sorted(found)[:3])
        raise EvalLeak(
            f"{len(found)} episodes overlap the evaluation: {shown}. Run `headrace nightly`, which "
            "takes them out, or accept them with --accept-leaks"
        )
    return len(found)


def _told(episode: str, finding: Finding) -> str:
    case = f" with case {finding.because_of}" if finding.because_of else ""
    return f"episode {episode}{case} ({finding.reason})"


def check_loss(losses: Iterable[LossReport], recipe: Recipe) -> None:
    """Raises LossyFormat where a dialect changes what is trained, unless that is accepted."""
    known = {*recipe.accept_loss}
    found = [
        f"{report.format}: {meaning(loss.code)} in {loss.count} rows, first {loss.row_ids[0]}"
        for report in losses
        for loss in report.harmful
        if known.isdisjoint({loss.code, loss.code.partition(":")[0]})
    ]
    if found and not recipe.allow_lossy:
        raise LossyFormat(
            f"training would change: {'; '.join(found)}. Choose another --format, or accept it "
            "by its name with --accept-loss, all of it with --allow-lossy"
        )


def check_limits(format: Format, written: Written, place: Path, recipe: Recipe) -> None:
    """Raises LossyFormat, TooFew or TooLarge where the target would refuse the file to train on."""
    count, least = written.records.get("train", 0), format.least.get(written.shape.objective, 1)
    if not count:
        why = written.loss.harmful or written.loss.losses
        told = ", ".join(meaning(loss.code) for loss in why) or "none was made"
        raise LossyFormat(
            f"{format.name} can say none of the {written.shape.rows['train']} rows to train on "
            f"({told}): choose another --format"
        )
    if count < least and "too_few" not in recipe.accept_loss:
        raise TooFew(
            f"{format.name} takes {least} records for {written.shape.objective} at least, and "
            f"there are {count} to train on: bring more episodes, choose another --format, or "
            "write them all the same with --accept-loss too_few"
        )
    most = format.most.get(written.shape.objective, count)
    if count > most:
        raise TooLarge(
            f"{format.name} takes {most} records for {written.shape.objective} at most, and there "
            f"are {count} to train on: build from fewer rows or choose another --format"
        )
    for file in written.files.values():
        size = _size(place / file)
        if format.largest_mb is not None and size > format.largest_mb * 1_000_000:
            raise TooLarge(
                f"{format.name} takes files of {format.largest_mb} MB at most, and {file} has "
                f"{-(-size // 1_000_000)}: build from fewer rows or choose another --format"
            )


def _size(file: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = file.rglob("*") if file.is_dir() else (file,)
    return sum(one.stat().st_size for one in files if one.is_file())


def _nothing(selection: Selection) -> str:
    if not selection.against:
        return "no episode at all: send traces or `headrace load` a file, then `headrace nightly`"
    told = "; ".join(f"{n} {reason} ({advice(reason)})" for reason, n in selection.drops.items())
    return f"no row for {selection.objective} from {len(selection.against)} episodes: {told}"

"""An Inspect log opened where it matters: its header, and a row per sample without transcripts.

`.eval` files are zip archives whose members are no documented contract. What is known of them is
read straight from the archive, twenty times as fast; whatever looks otherwise goes through
Inspect's public calls. A test holds the two together.
"""

import json
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import msgspec
import zstandard
from inspect_ai.log import EvalLog, read_eval_log, read_eval_log_sample_summaries
from pydantic import ValidationError

_LAYOUT = 2  # version of logs whose members are known
_HEADER, _START, _ROWS = "header.json", "_journal/start.json", "summaries.json"
_JOURNAL = re.compile(r"_journal/summaries/(\d+)\.json")  # of a log that is still written
_TIMED_OUT = b"Unexpected timeout error reached top of sample stack"
_UNKNOWN = (
    *(KeyError, NotImplementedError, BadZipFile, EOFError, zlib.error, zstandard.ZstdError),
    *(ValueError, TypeError, msgspec.ValidationError, ValidationError),
)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a sample used of one model; cost in USD."""

    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_cache_write: int | None = None
    input_tokens_cache_read: int | None = None
    total_cost: float | None = None


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """What one scorer said; `reason` where it gave no value."""

    value: Any
    reason: str | None = None


class SampleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sample in one epoch as the log sums it up; times in seconds.

    Texts of `input` and `target` are cut by Inspect at about 5,000 characters each.
    """

    id: int | str
    epoch: int
    input: str | list[Any]
    target: str | list[str]
    choices: list[str] | None = None
    metadata: dict[str, Any] = {}
    scores: dict[str, Grade] | None = None
    model_usage: dict[str, Tokens] = {}
    total_time: float | None = None
    working_time: float | None = None
    uuid: str | None = None
    error: str | None = None
    limit: str | None = None
    completed: bool = False
    silent: bool = False  # the model never answered, as its call timed out


_DECODER = msgspec.json.Decoder(list[SampleRow])


def header(name: str) -> EvalLog:
    """The header of a log, without samples. Raises FileNotFoundError, or what Inspect raises."""
    if _is_archive(name):
        try:
            with ZipFile(name) as archive:
                return _header(archive, name)
        except _UNKNOWN:
            pass
    return read_eval_log(name, header_only=True)


def samples(name: str) -> list[SampleRow]:
    """A row per sample and epoch; of two rows for one of them the later counts.

    Raises FileNotFoundError, or what Inspect raises.
    """
    if _is_archive(name):
        try:
            with ZipFile(name) as archive:
                rows = _once(row for member in _members(archive) for row in _rows(member))
                return [_heard(archive, row) for row in rows]
        except _UNKNOWN:
            pass
    public = read_eval_log_sample_summaries(name)
    return _once(msgspec.convert(row.model_dump(), SampleRow) for row in public)


def _is_archive(name: str) -> bool:
    return Path(name).suffix == ".eval" and "://" not in name


def _header(archive: ZipFile, name: str) -> EvalLog:
    inside = archive.NameToInfo
    said = json.loads(archive.read(_HEADER if _HEADER in inside else _START))
    if said["version"] != _LAYOUT:
        raise NotImplementedError(f"version {said['version']} of logs")
    log = EvalLog.model_validate(said)
    log.location = name
    return log


def _members(archive: ZipFile) -> Iterable[bytes]:
    """The texts that hold the rows: one, or those that a run has written so far, in order."""
    if _ROWS in archive.NameToInfo:
        return [archive.read(_ROWS)]
    found = {int(m[1]): m[0] for m in map(_JOURNAL.fullmatch, archive.NameToInfo) if m}
    if not found and _START not in archive.NameToInfo:
        raise KeyError(_ROWS)
    return (archive.read(found[number]) for number in sorted(found))


def _rows(text: bytes) -> list[SampleRow]:
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # NaN, which a scorer that gave no value leaves
        return msgspec.convert(json.loads(text), list[SampleRow])


def _heard(archive: ZipFile, row: SampleRow) -> SampleRow:
    """Inspect goes on to score a sample whose model raised TimeoutError, and says so in its
    transcript alone: worth a look where no model was used at all."""
    if row.model_usage or row.error or row.limit or not row.scores:
        return row
    member = f"samples/{row.id}_epoch_{row.epoch}.json"
    if member not in archive.NameToInfo or _TIMED_OUT not in archive.read(member):
        return row
    return msgspec.structs.replace(row, silent=True)


def _once(rows: Iterable[SampleRow]) -> list[SampleRow]:
    return list({(str(row.id), row.epoch): row for row in rows}.values())

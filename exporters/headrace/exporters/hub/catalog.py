"""The card of a repository with several data sets: one config for each, none lost by a push."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec
import yaml
from huggingface_hub import DatasetCard, DatasetCardData

Json = dict[str, Any]

_FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.S)
_BEGIN, _END = "<!-- other data sets -->", "<!-- end of other data sets -->"
_SECTION = re.compile(rf"\n*{_BEGIN}.*?{_END}\n*", re.S)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One data set in the header of a card: its files and its columns."""

    config: Mapping[str, Any]
    info: Mapping[str, Any] | None
    license: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.config.get("config_name"))

    def below(self, folder: str) -> Self:
        """The same, its files in a folder, and not what is loaded unless asked for."""
        files = [{**one, "path": folder + one["path"]} for one in self.config["data_files"]]
        config = {**self.config, "data_files": files}
        config.pop("default", None)
        return msgspec.structs.replace(self, config=config)


def configs(card: str) -> list[Config]:
    """Those in the header of a card."""
    header = _header(card)
    infos = {one.get("config_name"): one for one in _list(header.get("dataset_info"))}
    return [
        Config(
            config=one,
            info=infos.get(one.get("config_name")),
            license=tuple(_list(header.get("license"))),
            tags=tuple(_list(header.get("tags"))),
        )
        for one in _list(header.get("configs"))
    ]


def joined(card: str, others: Sequence[Config]) -> str:
    """A card with more configs, each in the place of one of its name; unchanged without any."""
    if not others:
        return card
    header, body = _header(card), _SECTION.sub("\n", _FRONT.sub("", card, count=1))
    names = {one.name for one in others}
    mine = [one for one in configs(card) if one.name not in names]
    every = sorted([*mine, *others], key=lambda one: (not one.config.get("default"), one.name))
    header["configs"] = [dict(one.config) for one in every]
    header["dataset_info"] = [dict(one.info) for one in every if one.info]
    header["tags"] = _union(_list(header.get("tags")), (one.tags for one in others))
    licenses = _union(_list(header.get("license")), (one.license for one in others))
    if licenses:
        header["license"] = licenses[0] if len(licenses) == 1 else licenses
    text = DatasetCardData(**header).to_yaml(line_break="\n").strip()
    return f"---\n{text}\n---\n{body.rstrip()}\n\n{_section(every)}\n"


def _section(every: Sequence[Config]) -> str:
    lines = [
        f"* `{one.name}`: {one.config.get('description', '')}{_page(one)}"
        for one in every
        if not one.config.get("default")
    ]
    head = (
        "## Other data sets in this repository\n\nName one to `load_dataset` after the repository:"
    )
    return "\n".join([_BEGIN, head, "", *lines, _END])


def _page(one: Config) -> str:
    """Where its own card lies."""
    folder, found, _ = str(one.config["data_files"][0]["path"]).partition("/data/")
    return f", [its card]({folder}/README.md)" if found else ""


def _header(card: str) -> Json:
    if not _FRONT.match(card):
        return {}
    try:
        found: Any = DatasetCard(card, ignore_metadata_errors=True)
    except yaml.YAMLError:
        return {}
    read: Json = found.data.to_dict()
    return read


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _union(first: Sequence[str], more: Any) -> list[str]:
    """All, each once, in the order in which they come."""
    return list(dict.fromkeys([*first, *(one for each in more for one in each)]))

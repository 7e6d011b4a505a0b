"""README.md: the page for people, under the YAML that the Hugging Face Hub and `datasets` read."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

import pyarrow as pa
from huggingface_hub import DatasetCardData

from headrace.exporters import picture
from headrace.exporters.manifest import Audit, Manifest, Scrubbing, Splitting
from headrace.exporters.objective import SCHEMAS, Objective
from headrace.exporters.preset import bare
from headrace.exporters.reason import advice
from headrace.exporters.recipe import Recipe, Rights

WHAT: Mapping[Objective, str] = {
    "sft": "conversations to imitate: successes, with the assistant turns to be trained marked",
    "kto": "single answers after their prompt, each marked desirable or not",
    "dpo": "two answers to one prompt, of which one led to success and the other to failure",
    "rm": "two answers to one prompt, the better one first, and by how much it is better",
    "rl": "prompts to answer anew, with the scorer of the evaluation and what is right",
}

# keys of a recipe that options of the command say as well
PLAIN = frozenset({"objective", "formats", "without_evals", "accept_leaks", "allow_lossy"})

PAGE = """\
---
{header}
---

# {name}

{about}

## Rows

{rows}

## How long they are

{lengths}

## Where the outcomes come from

{outcomes}

## What was left out

{kept} of {episodes} episodes are in a row. The others, by the first reason that held:

{drops}

## Duplicates and overlap with the evaluation

{curation}

## Personal data

{personal}

## Evaluation

{evaluation}

## What cannot be guaranteed

{limits}

## Load

```python
from datasets import load_dataset

rows = load_dataset("DIR", "{objective}", split="train")  # DIR, or its repository
```

Tool definitions and call arguments are JSON text. Keys that a message lacks come back as null.

## Train

{training}

## Reproduce

{origin} `manifest.json` names every row with its hash and its episodes, and the sha256 of every
file; `croissant.json` says the same of the files to catalogues.

```sh
{command}
headrace dataset validate DIR
```
"""


def card(made: Manifest) -> str:
    """The page of a data set; it holds nothing that is not in its manifest, no time of day."""
    audit, recipe = made.audit, made.recipe
    return PAGE.format(
        header=header(made),
        name=made.name,
        about=about(made),
        objective=made.objective,
        rows=_table(("split", "rows"), {split: n for split, n in made.splits.items() if n}),
        lengths=picture.lengths(made),
        outcomes=_outcomes(audit.outcomes),
        kept=audit.episodes - sum(audit.drops.values()),
        episodes=audit.episodes,
        drops=_drops(audit.drops) + _chosen(recipe),
        curation=_curation(audit),
        personal=_personal(audit.scrub),
        evaluation=_evaluation(audit),
        limits=_limits(recipe),
        training=_training(recipe),
        origin=_origin(made),
        command=command(made),
    )


def about(made: Manifest) -> str:
    """What it is, in two sentences."""
    return (
        f"{WHAT[made.objective].capitalize()}. Built by Headrace from production traces of the "
        f"project `{made.project}`, version `{made.version}`."
    )


def header(made: Manifest) -> str:
    """The YAML: one config with the splits that there are, plain features, no row counts.

    Counts would go stale with the first shard that is added, and then nothing loads.
    """
    files = [
        {"split": split, "path": f"data/{split}-*.parquet"} for split, n in made.splits.items() if n
    ]
    features = [_feature(field) for field in SCHEMAS[made.objective]]
    data = DatasetCardData(
        license=made.recipe.license,
        pretty_name=made.name,
        tags=["headrace", made.objective, "agent", "tool-use"],
        configs=[
            {
                "config_name": made.objective,
                "default": True,
                # `datasets` caches by folder name and this block: without the version it would
                # give the rows of any other set whose folder is called the same
                "description": f"{made.name} {made.version}",
                "data_files": files,
            }
        ],
        dataset_info=[{"config_name": made.objective, "features": features}],
    )
    return data.to_yaml(line_break="\n").strip()


def command(made: Manifest) -> str:
    """What builds this data set again: a line where its words are enough, else with a recipe."""
    words = ["headrace dataset build", quote(made.name)]
    switches = {
        "without_evals": "--without-evals",
        "accept_leaks": "--accept-leaks",
        "allow_lossy": "--allow-lossy",
    }
    said, more = made.recipe.said, [f"--project {quote(made.project)}", "--out DIR"]
    if not said.keys() <= PLAIN:
        more = ["--recipe recipe.toml", more[0], "--out AGAIN"]
        return "headrace dataset recipe DIR > recipe.toml\n" + " ".join(words + more)
    words += [f"--objective {made.objective}"]
    words += [f"--format {format}" for format in made.recipe.formats]
    return " ".join(words + more + [switch for name, switch in switches.items() if name in said])


def _feature(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, **_type(field.type)}


def _type(kind: pa.DataType) -> dict[str, Any]:
    """A type in the words of a card, where `list: string` is short for a list of that dtype."""
    if pa.types.is_list(kind):
        inner = _type(kind.value_type)
        return {"list": inner.get("dtype", inner.get("struct"))}
    if pa.types.is_struct(kind):
        return {"struct": [_feature(kind.field(i)) for i in range(kind.num_fields)]}
    return {"dtype": "float64" if kind == pa.float64() else str(kind)}


def _table(head: tuple[str, ...], counts: Mapping[str, int]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [f"{name} | {count}" for name, count in counts.items()]
    return "\n".join(f"| {line} |" for line in lines)


def _outcomes(outcomes: Mapping[str, Mapping[str, int]]) -> str:
    lines = ["| split | source | episodes |", "| --- | --- | --- |"]
    for split, sources in outcomes.items():
        lines += [f"| {split} | {source} | {count} |" for source, count in sources.items()]
    return "\n".join([picture.shown(picture.OUTCOMES), "", *lines])


def _origin(made: Manifest) -> str:
    """From what it was built, and after what."""
    wrote = ", ".join(f"{name} {version}" for name, version in made.libraries.items())
    after = f", after version `{made.parent}`" if made.parent else ""
    return f"Built from snapshot {made.snapshot_id} of the lake{after}, by {wrote or 'Headrace'}."


def _drops(drops: Mapping[str, int]) -> str:
    if not drops:
        return "None was left out."
    lines = [f"| `{reason}` | {count} | {advice(reason)} |" for reason, count in drops.items()]
    return "\n".join(["| reason | episodes | what would help |", "| --- | --- | --- |", *lines])


def _chosen(recipe: Recipe) -> str:
    """What a recipe says beyond the words of a command: readers have to know what was chosen."""
    if recipe.said.keys() <= PLAIN:
        return ""
    return f"\n\nThe recipe:\n\n```toml\n{bare(recipe)}\n```"


def _curation(audit: Audit) -> str:
    found = {f"dedupe: {rule}": n for rule, n in audit.dedupe.items()}
    found |= {f"decontaminate: {rule}": n for rule, n in audit.decontaminate.items()}
    if not found:
        return "No episode of the project was found to be a duplicate or to overlap a case."
    return "Episodes of the project by rule:\n\n" + _table(("rule", "episodes"), found)


def _personal(scrub: Scrubbing | None) -> str:
    if scrub is None:
        return (
            "The rows were **not scrubbed**: personal data and secrets that users, tools or the "
            "model wrote are in them. Look before you share them."
        )
    rules = ", ".join(f"`{version}`" for version in scrub.rules)
    made = (
        f"The rows were made from scrubbed episodes (rules {rules}): surrogates stand for what was "
        "found, one for each value wherever it stood. Tool definitions were not scrubbed."
    )
    places = _table(("replaced", "places"), scrub.places) if scrub.places else "None was found."
    return "\n\n".join([made, places, scrub.measured.sentences])


def _evaluation(audit: Audit) -> str:
    suites = _suites(audit)
    checked = (
        f"Rows were compared with every case:\n\n{suites}"
        if audit.suites
        else ("There was no suite: nothing says whether a model trained on these rows is better.")
    )
    leaks = "No overlap was left at the last check."
    if audit.leaks:
        leaks = (
            f"{audit.leaks} overlapping episodes were left at the last check and accepted by hand."
        )
    verdict = f"Verdict on readiness when built: {audit.verdict or 'none'}."
    apart = [_split(audit.split)] if audit.split and audit.split.groups else []
    return "\n\n".join([checked, *([leaks] if audit.suites else []), *apart, verdict])


def _split(split: Splitting) -> str:
    groups = ", ".join(f"{count} {side}" for side, count in split.groups.items())
    return (
        "Episodes that could give each other's answers away are one group, and a group is on one "
        f"side for ever (rules `{split.rules}`): {groups} groups."
    )


def _suites(audit: Audit) -> str:
    lines = ["| suite | cases | scorers | sha256 |", "| --- | --- | --- | --- |"]
    for suite, cases in audit.suites.items():
        scorers = ", ".join(audit.scorers.get(suite, ())) or "-"
        lines.append(
            f"| {suite} | {cases} | {scorers} | {audit.suite_hashes.get(suite, '-')[:16]} |"
        )
    return "\n".join(lines)


def _limits(recipe: Recipe) -> str:
    rights = (
        "Episodes without the right to train are left out where their metadata say so; whether "
        "the metadata are right, nobody has checked."
    )
    if recipe.right_to_train == Rights():
        rights = "Nothing has checked whether the product may train on what its users said."
    lines = [
        "That nobody in the rows can be recognised: see above for what is found and what is not.",
        "That no secret is left: they are removed by name, shape and context as traces come in.",
        "That every outcome is true: it is as good as the sources in the table, which can err.",
        "That nothing of the evaluation is left: other words for it may have passed the rules.",
    ]
    return "\n".join(f"* {line}" for line in lines) + f"\n\n{rights}"


def _training(recipe: Recipe) -> str:
    pages = [f"* `formats/{format}/HOWTO.md`" for format in recipe.formats]
    return "\n".join(pages) or "No trainer dialect was asked for."

"""The canonical rows as lines of JSON: every column, nothing lost."""

from collections.abc import Iterable, Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row

PAGE = """\
# Read the rows

A row is a line of JSON with every column that the rows in `data/` have, `objective` and `split`
before them: lines of several files may be thrown together and still tell what they are.

```python
import json

{loads}
row = train[0]
tools = json.loads(row["tools"] or "[]")
{code}
```

{counts}

* `row_id` names what is in a row but its episodes; equal rows have equal names in every version.
  `episode_ids` are the episodes that it was made of.
* Messages have OpenAI's roles. A key that a message lacks is absent, never null: a turn of calls
  alone has no `content`.
* `arguments` of calls and `tools` are JSON text, keys in the order in which they came.
{notes}
* The longest row has about {tokens} tokens (characters / 4, tool definitions included).

## What this format could not say

{losses}
"""
CODE: Mapping[Objective, str] = {
    "sft": 'taught = [m for m, on in zip(row["messages"], row["trainable"]) if on]',
    "kto": 'prompt, answer, good = row["prompt"], row["completion"][0], row["label"]',
    "dpo": 'prompt, better, worse = row["prompt"], row["chosen"][0], row["rejected"][0]',
    "rm": 'prompt, better, worse = row["prompt"], row["chosen"][0], row["rejected"][0]',
    "rl": 'prompt, scorer, right = row["prompt"], row["scorer"], row["reference"]',
}
SIDES = "* `chosen` and `rejected` are one turn of the assistant each."
NOTES: Mapping[Objective, str] = {
    "sft": "* `trainable` has a mark for each message: true on assistant turns to be learned.",
    "kto": "* `completion` is one turn of the assistant, and `label` whether it was good.",
    "dpo": SIDES,
    "rm": f"{SIDES}\n* `margin` is by how much the better one is better, null where nobody knows.",
    "rl": """\
* `task_id` names a prompt with its tools. `reference` is what is right: text, or for the scorer
  `tool_calls` a JSON list of calls. `pass_rate` is the share of `samples` that `policy` got right
  in production, null where nobody knows.""",
}
LOAD = """\
with open("{file}", encoding="utf-8") as lines:
    {split} = [json.loads(line) for line in lines]"""


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    yield {"objective": row.objective, "split": row.split, **row.columns}


def pages(written: Written) -> Mapping[str, str]:
    objective = written.shape.objective
    loads = [LOAD.format(split=split, file=file) for split, file in written.files.items()]
    text = PAGE.format(
        loads="\n".join(loads),
        code=CODE[objective],
        counts=page.counts(written),
        notes=NOTES[objective],
        tokens=page.tokens(written),
        losses=page.losses(written),
    )
    return {page.HOWTO: text}

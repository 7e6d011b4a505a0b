"""The page beside TRL's prompts: the lines that train on them with the scorer of the evaluation."""

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written

MODEL = "Qwen/Qwen3-0.6B"
TYPES = {
    "prompt": "List(Json())",
    "tools": "List(Json())",
    "pass_rate": 'Value("float64")',
    "samples": 'Value("int64")',
}

PAGE = """\
# Train with TRL's GRPO

Tried with trl 1.16.0, transformers 5.23.0 and datasets 5.2.0; `Json` needs datasets 4.7 or later.
Run it in this folder, with `pip install 'headrace[evals]'` beside TRL. The model is an example.

```python
{code}
```

{counts}

* The reward is the scorer of the evaluation: `trl_reward` reads the columns `scorer` and
  `reference`, and gives 1 or 0, or nothing where a scorer cannot use its reference. It reads calls
  in the text of an answer, as Hermes and Qwen write them, and leaves reasoning aside.
* `pass_rate` is how often production has answered the request well, out of `samples`, with the
  models in `policy`; null where nobody knows. A prompt that always or never passes teaches nothing:
  begin with `train.filter(lambda row: (row["pass_rate"] or 0) <= 0.8)`.
* The longest prompt has about {tokens} tokens (characters / 4, tool definitions included); answers
  are cut at `max_completion_length`, and what was cut scores as it stands.
* `features=` stays: guessed types fail on later tool calls or fill their arguments with nulls.
{notes}
## What this format could not say

{losses}
"""

TOOLS = """\
* The trainer takes tools as Python functions and reads no column of them, so the prompts are
  rendered here with the tools of each row. A call is not run: the answer ends with it and is scored
  by it. The trainer puts a beginning-of-text token before texts by itself.
* Calls of another family of models are read with `parse_response(tokenizer, ids)` of
  `trl.chat_template_utils` for each of `completion_ids`, once `add_response_schema(tokenizer)` is
  called; `trl_reward` takes `[message]` for each completion as well.
"""

CODE = """\
from datasets import {types}, load_dataset
{imports}

features = Features({features})
{loads}
{render}trainer = GRPOTrainer(
    model="{model}",
    reward_funcs=trl_reward,
    args=GRPOConfig(output_dir="out", max_completion_length=1024),
    {datasets},{words}
)
trainer.train()"""

IMPORTS = """\
from headrace.evals.rewards import trl_reward
from trl import GRPOConfig, GRPOTrainer"""

RENDERED = """\
from headrace.evals.rewards import trl_reward
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer"""

RENDER = """\
tokenizer = AutoTokenizer.from_pretrained("{model}")


def rendered(row):
    text = tokenizer.apply_chat_template(
        row["prompt"], tools=row["tools"], add_generation_prompt=True, tokenize=False
    )
    return {{"text": text.removeprefix(tokenizer.bos_token or "")}}


def prompts(rows):
    texts = rows.map(rendered).remove_columns(["prompt", "tools"])
    return texts.rename_column("text", "prompt")


"""

LOAD = 'load_dataset("json", data_files="{file}", features=features, split="train")'


def howto(written: Written) -> str:
    """The page for what was written."""
    return PAGE.format(
        code=_code(written),
        counts=page.counts(written),
        tokens=page.tokens(written),
        notes=TOOLS if written.shape.tools else "",
        losses=page.losses(written),
    )


def _code(written: Written) -> str:
    """Messages go to the trainer as they are, unless there are tools, which it cannot read."""
    tools = written.shape.tools
    made = "prompts({})" if tools else "{}"
    used = {"train": f"train_dataset={made}", "test": f"eval_dataset={made}"}
    loads = [f"{split} = {LOAD.format(file=file)}" for split, file in written.files.items()]
    return CODE.format(
        types="Features, Json, List, Value",
        imports=RENDERED if tools else IMPORTS,
        features=_features(written),
        loads="\n".join(loads),
        render=RENDER.format(model=MODEL) if tools else "",
        model=MODEL,
        datasets=",\n    ".join(used[split].format(split) for split in written.files),
        words="\n    processing_class=tokenizer," if tools else "",
    )


def _features(written: Written) -> str:
    columns = [f'    "{name}": {TYPES.get(name, _TEXT)},' for name in written.columns]
    return "\n".join(["{", *columns, "}"])


_TEXT = 'Value("string")'

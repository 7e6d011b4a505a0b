"""The exported files train: the page beside them is run as it stands, for two steps."""

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from headrace.exporters import dataset
from headrace.exporters.formats.trl_howto import MODEL
from headrace.lake import Lake

pytestmark = [
    pytest.mark.slow,
    # TRL sets what transformers has renamed.
    pytest.mark.filterwarnings("ignore:`\\w*gradient_checkpointing\\w*` is:FutureWarning"),
]

NOW = datetime(2026, 3, 2, tzinfo=UTC)
# Tools in front, each turn between marks, the assistant's words inside `generation`.
TEMPLATE = (
    "{% if tools %}<tools>{{ tools | tojson }}</tools>\n{% endif %}"
    "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<call>{{ call.function.name }} "
    "{{ call.function.arguments | tojson }}</call>{% endfor %}<|end|>{% endgeneration %}"
    "{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MARKS = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"]


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...


def save_model(folder: Path, texts: Iterable[str]) -> None:
    """A random two-layer model with a tokenizer learnt from the rows."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    learn = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=MARKS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(texts, learn)
    make: Any = PreTrainedTokenizerFast
    words = make(tokenizer_object=core, eos_token="<|end|>", pad_token="<|pad|>")
    words.chat_template = TEMPLATE
    words.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)


def run_howto(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the page's code in its folder with a small model and two steps; the trainer."""
    place = out / "formats" / "trl"
    save_model(tmp_path / "model", [(place / "train.jsonl").read_text()])
    [code] = re.findall(r"```python\n(.*?)```", (place / "HOWTO.md").read_text(), re.DOTALL)
    settings = f"output_dir={str(tmp_path / 'run')!r}, max_steps=2, use_cpu=True, bf16=False, "
    settings += 'report_to=[], save_strategy="no", logging_steps=1, disable_tqdm=True, '
    settings += "dataloader_pin_memory=False, "
    assert MODEL in code and 'output_dir="out", ' in code
    code = code.replace(MODEL, str(tmp_path / "model")).replace('output_dir="out", ', settings)
    code = code.replace("max_completion_length=1024", "max_completion_length=8")
    monkeypatch.chdir(place)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    names: dict[str, Any] = {}
    exec(code, names)
    return names["trainer"]


def build(stock: Stock, tmp_path: Path, objective: str) -> Path:
    out = tmp_path / "out"
    dataset.build(stock.lake, "shop", "refunds", objective, out=out, now=NOW)
    return out


def assert_two_steps(trainer: Any) -> None:
    assert trainer.state.global_step == 2
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert all(math.isfinite(loss) for loss in losses)


def trained_texts(trainer: Any) -> list[str]:
    words = trainer.processing_class
    return [
        words.decode([token for token in row if token != -100])
        for row in trainer.train_dataset["labels"]
    ]


def turn(message: dict[str, Any]) -> str:
    """What the template makes of an assistant turn."""
    said = str(message["content"])
    for call in message.get("tool_calls", ()):
        function = call["function"]
        said += f"<call>{function['name']} {json.dumps(function['arguments'])}</call>"
    return said + "<|end|>"


def records(out: Path) -> list[dict[str, Any]]:
    lines = (out / "formats" / "trl" / "train.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_sft_trains_every_assistant_turn_and_nothing_else(
    still_shop: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = build(still_shop, tmp_path, "sft")
    trainer = run_howto(out, tmp_path, monkeypatch)
    assert_two_steps(trainer)
    expected = [
        "".join(turn(m) for m in record["messages"] if m["role"] == "assistant")
        for record in records(out)
    ]
    assert trained_texts(trainer) == expected


def test_sft_with_masked_turns_trains_one_turn_a_row(
    shop: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.episode("B1", trainable=(False, False, False, False, True))
    out = build(shop, tmp_path, "sft")
    trainer = run_howto(out, tmp_path, monkeypatch)
    assert_two_steps(trainer)
    assert len(records(out)) == 7
    assert trained_texts(trainer) == [turn(r["completion"][0]) for r in records(out)]


@pytest.mark.parametrize(
    ("objective", "sides"), [("kto", ["completion"]), ("dpo", ["chosen", "rejected"])]
)
def test_sides_are_scored_by_their_own_turn_alone(
    still_shop: Stock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    objective: str,
    sides: list[str],
) -> None:
    out = build(still_shop, tmp_path, objective)
    trainer = run_howto(out, tmp_path, monkeypatch)
    assert_two_steps(trainer)
    words = trainer.processing_class
    for side in sides:
        scored = [words.decode(ids) for ids in trainer.train_dataset[f"{side}_ids"]]
        assert scored == [turn(record[side][0]) for record in records(out)]
    first = words.decode(trainer.train_dataset["prompt_ids"][0])
    assert '"name": "refund"' in first and first.endswith("<|assistant|>")


def test_a_reward_model_reads_both_dialogues_whole(
    still_shop: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = build(still_shop, tmp_path, "rm")
    trainer = run_howto(out, tmp_path, monkeypatch)
    assert_two_steps(trainer)
    words = trainer.processing_class
    for side in ("chosen", "rejected"):
        read = [words.decode(ids) for ids in trainer.train_dataset[f"{side}_ids"]]
        for text, record in zip(read, records(out), strict=True):
            assert text.startswith('<tools>[{"type": "function"')
            assert text.endswith(turn(record[side][-1]))


def test_prompts_are_answered_with_their_tools_and_scored_by_the_evaluation(
    still_shop: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = build(still_shop, tmp_path, "rl")
    trainer = run_howto(out, tmp_path, monkeypatch)
    assert_two_steps(trainer)
    for prompt in trainer.train_dataset["prompt"]:
        assert prompt.startswith('<tools>[{"type": "function"')
        assert prompt.endswith("<|end|><|assistant|>")
    scored = [entry for entry in trainer.state.log_history if "rewards/trl_reward/mean" in entry]
    assert [entry["rewards/trl_reward/mean"] for entry in scored] == [0.0, 0.0]

"""The trainer dialects that there are, one module each."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

import msgspec

from headrace.exporters.errors import UnknownFormat
from headrace.exporters.formats.dialect import Dialect
from headrace.exporters.formats.sink import Container
from headrace.exporters.objective import Objective
from headrace.lake.record import Split

STEMS: Mapping[Split, str] = MappingProxyType({"train": "train", "test": "test"})
VALID: Mapping[Split, str] = MappingProxyType({"train": "train", "test": "valid"})
SUFFIXES: Mapping[Container, str] = MappingProxyType(
    {"jsonl": ".jsonl", "parquet": ".parquet", "folders": ""}
)


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect, before its module is loaded."""

    name: str
    about: str  # the trainers that read it, with versions
    objectives: tuple[Objective, ...]
    container: Container = "jsonl"
    stems: Mapping[Split, str] = STEMS  # of the file of a side
    least: Mapping[Objective, int] = {}  # records to train on that the target wants at least
    most: Mapping[Objective, int] = {}  # records to train on that it takes at most
    largest_mb: int | None = None  # file that the target takes, in units of 1,000,000 bytes

    @property
    def dialect(self) -> Dialect:
        """Its module. Names with a dash lie in modules with an underscore."""
        name = self.name.replace("-", "_")
        return cast(Dialect, import_module(f"headrace.exporters.formats.{name}"))

    def file(self, split: Split) -> str:
        """What holds the records of a side, below the folder of the format."""
        return self.stems[split] + SUFFIXES[self.container]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        row.name: row
        for row in (
            Format(
                name="trl",
                about="Hugging Face TRL 1.16: SFT, KTO, DPO, Reward and GRPO trainers",
                objectives=("sft", "kto", "dpo", "rm", "rl"),
            ),
            Format(
                name="unsloth",
                about="Unsloth 2026.10, which reads what TRL reads: SFT, KTO and DPO",
                objectives=("sft", "kto", "dpo"),
            ),
            Format(
                name="axolotl",
                about="Axolotl 0.19: supervised with a mark on each turn, DPO",
                objectives=("sft", "dpo"),
            ),
            Format(
                name="llamafactory",
                about="LLaMA-Factory 0.9.5: supervised, DPO and KTO",
                objectives=("sft", "kto", "dpo"),
            ),
            Format(
                name="ms-swift",
                about="ms-swift 4.6: supervised with a mark on each turn, DPO, KTO, reward, GRPO",
                objectives=("sft", "kto", "dpo", "rm", "rl"),
            ),
            Format(
                name="verl",
                about="verl 0.9: supervised and RL with the suite's scorer, Parquet",
                objectives=("sft", "rl"),
                container="parquet",
            ),
            Format(
                name="openrlhf",
                about="OpenRLHF 0.11: supervised, DPO, reward model, RL with the suite's scorer",
                objectives=("sft", "dpo", "rm", "rl"),
            ),
            Format(
                name="skyrl",
                about="SkyRL 0.3: supervised and RL with the suite's scorer",
                objectives=("sft", "rl"),
            ),
            Format(
                name="prime",
                about="prime-rl and verifiers 0.4: supervised, a taskset with the suite's scorer",
                objectives=("sft", "rl"),
            ),
            Format(
                name="nemo",
                about="NeMo RL: supervised, DPO, reward model; NeMo Gym: the suite's scorer",
                objectives=("sft", "dpo", "rm", "rl"),
            ),
            Format(
                name="harbor",
                about="Harbor task folders, whose tests ask the suite's scorer",
                objectives=("rl",),
                container="folders",
            ),
            Format(
                name="mlx",
                about="MLX-LM 0.32: supervised, a folder",
                objectives=("sft",),
                stems=VALID,
            ),
            Format(
                name="sharegpt",
                about="ShareGPT conversations in text alone, which nearly every trainer reads",
                objectives=("sft",),
            ),
            Format(
                name="openai",
                about="OpenAI fine-tuning, supervised, DPO and RFT: new jobs until January 2027",
                objectives=("sft", "dpo", "rl"),
                least={"sft": 10, "dpo": 10, "rl": 10},
                largest_mb=512,
            ),
            Format(
                name="azure",
                about="Azure OpenAI fine-tuning in Microsoft Foundry: supervised, DPO and RFT",
                objectives=("sft", "dpo", "rl"),
                least={"sft": 10, "dpo": 10, "rl": 10},
                largest_mb=512,
            ),
            Format(
                name="fireworks",
                about="Fireworks managed fine-tuning: supervised, DPO and RFT",
                objectives=("sft", "dpo", "rl"),
                least={"sft": 3, "dpo": 3, "rl": 3},
                most={"sft": 3_000_000, "dpo": 3_000_000, "rl": 3_000_000},
            ),
            Format(
                name="together",
                about="Together fine-tuning, client 2.13: supervised and DPO",
                objectives=("sft", "dpo"),
                largest_mb=50_100,
            ),
            Format(
                name="mistral",
                about="Mistral fine-tuning, checked with mistral-common 1.13: supervised",
                objectives=("sft",),
                largest_mb=512,
            ),
            Format(
                name="gemini",
                about="Gemini tuning on Google Cloud: supervised, preferences and rewards",
                objectives=("sft", "dpo", "rl"),
                most={"rl": 5_000},
                largest_mb=1_000,
            ),
            Format(
                name="bedrock-nova",
                about="Amazon Nova: supervised and RFT on Bedrock, DPO of Nova 1 on SageMaker AI",
                objectives=("sft", "dpo", "rl"),
                least={"sft": 8, "dpo": 8, "rl": 100},
                most={"sft": 20_000, "dpo": 20_000, "rl": 20_000},
            ),
            Format(
                name="tinker",
                about="Tinker cookbook 0.5: supervised with a mark on each message, DPO",
                objectives=("sft", "dpo"),
            ),
            Format(
                name="raw",
                about="the canonical rows as lines of JSON, nothing lost",
                objectives=("sft", "kto", "dpo", "rm", "rl"),
            ),
        )
    }
)


def format_named(name: str, objective: Objective) -> Format:
    """A dialect that can say rows of this objective. Raises UnknownFormat."""
    found = FORMATS.get(name)
    able = [one.name for one in FORMATS.values() if objective in one.objectives]
    if found is None:
        raise UnknownFormat(f"no format {name!r}; for {objective} there are: {', '.join(able)}")
    if objective not in found.objectives:
        raise UnknownFormat(
            f"format {name!r} has no {objective}, only {', '.join(found.objectives)}; for "
            f"{objective} there are: {', '.join(able)}"
        )
    return found

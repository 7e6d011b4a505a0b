"""The page beside Tinker's files: the lines that train on them."""

from collections.abc import Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.trainer_howto import Block, Howto
from headrace.exporters.objective import Objective

FILE = "loader.py"
MODEL = "Qwen/Qwen3-4B-Instruct-2507"
RENDERER = "qwen3_instruct"
CODE = """\
{imports}

config = {module}.Config(
    log_path="out",
    model_name="{model}",
    recipe_name="{name}",
    renderer_name="{renderer}",
    dataset_builder=Folder(
        common_config=ChatDatasetBuilderCommonConfig(
            model_name_for_tokenizer="{model}",
            renderer_name="{renderer}",
            max_length={room},
            batch_size=8,
        )
    ),
    learning_rate={rate},
)
{run}"""
IMPORTS: Mapping[Objective, str] = {
    "sft": "import asyncio\n\nfrom loader import Folder\n"
    "from tinker_cookbook.supervised import train\n"
    "from tinker_cookbook.supervised.types import ChatDatasetBuilderCommonConfig",
    "dpo": "from loader import Folder\nfrom tinker_cookbook.preference import train_dpo\n"
    "from tinker_cookbook.supervised.types import ChatDatasetBuilderCommonConfig",
}
MODULES: Mapping[Objective, str] = {"sft": "train", "dpo": "train_dpo"}
RUNS: Mapping[Objective, str] = {
    "sft": "asyncio.run(train.main(config))",
    "dpo": "train_dpo.main(config)",
}
RATES: Mapping[Objective, str] = {"sft": "1e-4", "dpo": "1e-5"}
LOADS = (
    f"`{FILE}` is not to be left out: the cookbook's own reader of files fails on calls, and knows "
    "nothing of the column `tools`, which the loader tells the model in the words of its renderer."
)
FAMILY = (
    "Take a renderer that belongs to the model and keeps earlier turns as they are "
    "(`renderer.has_extension_property`): the rows have no reasoning, so one without thinking."
)
NOTES: Mapping[Objective, tuple[str, ...]] = {
    "sft": (
        LOADS,
        "`trainable` stands on every message and is what `TrainOnWhat.CUSTOMIZED` trains: the "
        "marked turns, never a result of a tool.",
        FAMILY,
    ),
    "dpo": (
        LOADS,
        "`completion_A` is the better side in every row, one assistant message as the other is; "
        "no tool result and no user turn is scored.",
        FAMILY,
    ),
}


def howto(written: Written) -> str:
    """The page for what was written."""
    howto = Howto(
        trainer="Tinker",
        tried="The loader was run with tinker-cookbook 0.5.8 on every row that a test set has; "
        "nothing was sent to Tinker. `pip install tinker-cookbook`, set `TINKER_API_KEY`, and run "
        "it in this folder. The model is an example.",
        blocks=[Block(language="python", code=_code(written))],
        room="`max_length`; what is longer is cut.",
        notes=NOTES[written.shape.objective],
    )
    return howto.page(written)


def _code(written: Written) -> str:
    objective = written.shape.objective
    return CODE.format(
        imports=IMPORTS[objective],
        module=MODULES[objective],
        model=MODEL,
        renderer=RENDERER,
        name=written.shape.slug,
        room=page.room(written),
        rate=RATES[objective],
        run=RUNS[objective],
    )

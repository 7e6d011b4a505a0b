"""The page of Gemini tuning on Google Cloud, and the reward of its tasks."""

import inspect
from collections.abc import Mapping

from headrace.exporters.formats import gemini_reward, rft_grader
from headrace.exporters.formats.chat_howto import Howto
from headrace.exporters.formats.dialect import Written
from headrace.exporters.objective import Objective

REWARD = "reward.py"
MODEL = "gemini-3.5-flash"
METHODS: Mapping[Objective, str] = {
    "sft": "SUPERVISED_FINE_TUNING",
    "dpo": "PREFERENCE_TUNING",
    "rl": "REINFORCEMENT_TUNING",
}
CODE = """\
from google import genai
from google.genai import types

# before: gcloud storage cp {files} gs://BUCKET/{name}/
client = genai.Client(vertexai=True, project="PROJECT", location="us-central1")
job = client.tunings.tune(
    base_model="{model}",
    training_dataset=types.TuningDataset(gcs_uri="gs://BUCKET/{name}/{train}"),
    config=types.CreateTuningJobConfig(
        method="{method}",
        tuned_model_display_name="{name}",
{settings}    ),
)
print(job.name)"""
VALIDATION = """\
validation_dataset=types.TuningValidationDataset(
            gcs_uri="gs://BUCKET/{name}/{file}"
        ),"""
SCORER = """\
reward_config=types.SingleReinforcementTuningRewardConfig(
            reward_name="{name}",
            code_execution_reward_scorer=types.ReinforcementTuningCodeExecutionRewardScorer(
                python_code_snippet=open("{file}").read()
            ),
        ),"""
PARTS = (
    "There are no call ids: the results of one turn stand in one turn of the user, in the order "
    "of their calls. The text of a result is the `result` in its `functionResponse`."
)
NOTES: Mapping[Objective, tuple[str, ...]] = {
    "sft": (
        "Each row ends with a turn that trains; a conversation of several is several rows. Google "
        "does not say whether the model turns before it train too, and no row can forbid it.",
        PARTS,
        "Google advises to switch thinking off in a model that is tuned without thoughts.",
        "131,072 tokens a row and 1 GB a file at most; 5,000 rows for validation.",
    ),
    "dpo": (
        "Each side is one text: pairs where a side calls a tool are left out; calls before it stay "
        "in the prompt.",
        PARTS,
        "131,072 tokens a row and 1 GB a file at most; 5,000 rows for validation. Google advises "
        "to tune on the better sides first.",
    ),
    "rl": (
        f"`evaluate` in `{REWARD}` scores an answer as the suite's scorers `match` and "
        "`tool_calls` do. Where your project may not run code in the service, put it behind Cloud "
        "Run and name that in `cloud_run_reward_scorer`.",
        "`references` hold the right text, or for the scorer `tool_calls` the right calls as JSON; "
        "`pass_rate` is the share of `samples` that `policy` got right in production. All are "
        "texts, and what nobody knows is absent.",
        PARTS,
        "Tuning with rewards is a preview: 5,000 rows to train on and 500 for validation, 32,768 "
        "tokens of a prompt and as many of an answer at most.",
    ),
}


def howto(written: Written) -> str:
    """The page for what was written."""
    page = Howto(
        service="Google Cloud",
        about="`pip install google-genai`, and sign in with `gcloud auth application-default "
        "login`. `PROJECT` and `BUCKET` are yours; the model is an example, for models that can "
        "be tuned come and go.",
        checked="The rows were held against the types of google-genai 3.4.0.",
        code=_code(written),
        notes=NOTES[written.shape.objective],
    )
    return page.page(written)


def reward() -> str:
    """The function that scores answers, in a file that imports nothing else."""
    return f"{inspect.getsource(rft_grader)}\n\n{inspect.getsource(gemini_reward.evaluate)}"


def _code(written: Written) -> str:
    objective, name = written.shape.objective, written.shape.slug
    settings = []
    if "test" in written.files:
        settings.append(VALIDATION.format(name=name, file=written.files["test"]))
    if objective == "rl":
        settings.append(SCORER.format(name=name, file=REWARD))
    return CODE.format(
        files=" ".join(written.files.values()),
        name=name,
        model=MODEL,
        train=written.files.get("train", "train.jsonl"),
        method=METHODS[objective],
        settings="".join(f"        {setting}\n" for setting in settings),
    )

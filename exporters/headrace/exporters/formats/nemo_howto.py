"""The pages beside the files of NeMo RL and NeMo Gym: how to train, and a server that scores."""

from collections.abc import Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.flat_howto import FLAT, MODEL, RATES, SCORER, batch
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.trainer_howto import SIDES, Block, Howto

APP_FILE, CONFIG_FILE, NEEDS_FILE = "app.py", "headrace.yaml", "requirements.txt"
APP = '''\
"""A resources server without tools: an answer is worth what the scorer of the evaluation says."""

from headrace.evals.rewards import score
from nemo_gym.base_resources_server import (
    BaseResourcesServerConfig,
    BaseVerifyRequest,
    BaseVerifyResponse,
    SimpleResourcesServer,
)


class HeadraceConfig(BaseResourcesServerConfig):
    pass


class HeadraceVerifyRequest(BaseVerifyRequest):
    scorer: str
    expected_answer: str


class HeadraceServer(SimpleResourcesServer):
    config: HeadraceConfig

    async def verify(self, body: HeadraceVerifyRequest) -> BaseVerifyResponse:
        worth = score(body.scorer, body.expected_answer, [answer(body.response.output)])
        if worth is None:
            raise ValueError("the scorer cannot use the expected answer of this row")
        return BaseVerifyResponse(**body.model_dump(), reward=worth)


def answer(output) -> dict:
    """The items of a response as one message."""
    texts = [part.text for item in output if item.type == "message" for part in item.content]
    calls = [item.model_dump() for item in output if item.type == "function_call"]
    return {"role": "assistant", "content": "\\n".join(texts), "tool_calls": calls}


if __name__ == "__main__":
    HeadraceServer.run_webserver()
'''
CONFIG = """\
headrace_resources_server:
  resources_servers:
    headrace:
      entrypoint: app.py
      domain: agent
      verified: false
      description: Answers of production, asked anew
headrace_simple_agent:
  responses_api_agents:
    simple_agent:
      entrypoint: app.py
      max_steps: 1
      resources_server:
        type: resources_servers
        name: headrace_resources_server
      model_server:
        type: responses_api_models
        name: policy_model
      datasets:
{datasets}"""
DATASET = """\
      - name: {kind}
        type: {kind}
        jsonl_fpath: resources_servers/headrace/data/{file}
        license: TBD
"""
SFT = """\
policy:
  model_name: {model}
  max_total_sequence_length: {room}
data:
  max_input_seq_length: {room}
  train:
    data_path: train.jsonl
{validation}  default:
    dataset_name: openai_format
    chat_key: messages
    tool_key: tools
    use_preserving_dataset: true
logger:
  wandb_enabled: false"""
PAIRS = """\
policy:
  model_name: {model}
  max_total_sequence_length: {room}
data:
  max_input_seq_length: {room}
  train:
    data_path: train.jsonl
{validation}  default:
    dataset_name: PreferenceDataset
logger:
  wandb_enabled: false"""
VALIDATION = "  validation:\n    data_path: test.jsonl\n"
COLLATE = """\
mkdir -p resources_servers/headrace/data resources_servers/headrace/configs
cp HERE/app.py HERE/requirements.txt resources_servers/headrace/
cp HERE/headrace.yaml resources_servers/headrace/configs/
cp HERE/*.jsonl resources_servers/headrace/data/
gym dataset collate \\
    --config responses_api_models/vllm_model/configs/vllm_model_for_training.yaml \\
    --config resources_servers/headrace/configs/headrace.yaml \\
    --mode train_preparation --output-dir data/headrace"""
PRESERVE = (
    "`use_preserving_dataset: true` stays: without it the arguments of every call are filled with "
    "nulls."
)
MASKED = "Conversations with a turn that must not train are left out: NeMo RL cannot mark one."
LICENSE = "`license` in `headrace.yaml` has to be told before NeMo Gym trains: `TBD` is a stand-in."
ONCE = (
    "`max_steps: 1` lets the policy answer once: its calls are read and not run, for nothing here "
    "serves the tools of production."
)


def pages(written: Written) -> Mapping[str, str]:
    """HOWTO.md, and for tasks a resources server with its configuration."""
    if written.shape.objective != "rl":
        return {HOWTO: _trained(written).page(written)}
    kinds = {"train": "train", "test": "validation"}
    datasets = "".join(
        DATASET.format(kind=kinds[split], file=file) for split, file in written.files.items()
    )
    return {
        HOWTO: _gym(written).page(written),
        APP_FILE: APP,
        CONFIG_FILE: CONFIG.format(datasets=datasets),
        NEEDS_FILE: "-e nemo-gym[dev] @ ../../\nheadrace[evals]\n",
    }


def _trained(written: Written) -> Howto:
    """For NeMo RL: conversations or pairs."""
    objective = written.shape.objective
    settings = (SFT if objective == "sft" else PAIRS).format(
        model=MODEL,
        room=page.room(written),
        validation=VALIDATION if "test" in written.files else "",
    )
    name = {"sft": "sft", "dpo": "dpo", "rm": "rm"}[objective]
    return Howto(
        trainer="NeMo RL",
        tried="Rows and settings are as the source of NeMo RL of August 2026 reads them; nothing "
        f"was trained. Put these lines into a copy of `examples/configs/{name}.yaml` with the "
        f"paths of this folder and run `uv run examples/run_{name}.py --config` with it. The model "
        "is an example.",
        blocks=[Block(language="yaml", code=settings)],
        room="`max_total_sequence_length`; what is longer is not trained.",
        notes=_notes(written),
    )


def _notes(written: Written) -> list[str]:
    if written.shape.objective != "sft":
        return [SIDES, *([FLAT] if written.shape.tools else [])]
    return [PRESERVE, *([MASKED] if written.shape.masked else [])]


def _gym(written: Written) -> Howto:
    return Howto(
        trainer="NeMo Gym",
        tried="Such tools were held against the Responses types of openai 2.54.0, requests against "
        "the source of NeMo Gym of August 2026; nothing was trained. Run this in a checkout of "
        "NeMo Gym, with the path of this folder for HERE, then train with NeMo RL on what it "
        "writes.",
        blocks=[Block(language="sh", code=COLLATE)],
        room=f"a `max_total_sequence_length` of {2 * page.room(written)} in NeMo RL, answer "
        f"included; {batch(written)} prompts make a step.",
        notes=[SCORER, ONCE, LICENSE, RATES],
    )

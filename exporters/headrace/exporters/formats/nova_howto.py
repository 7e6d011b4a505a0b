"""The page of Amazon Nova on Bedrock and SageMaker AI, and the grader of its tasks."""

import inspect
import re
from collections.abc import Mapping

from headrace.exporters.formats import nova_grader, rft_grader
from headrace.exporters.formats.chat_howto import Howto
from headrace.exporters.formats.dialect import Written
from headrace.exporters.objective import Objective

GRADER = "grader.py"
BEDROCK = """\
import boto3

# before: aws s3 cp --recursive . s3://BUCKET/{name}/
bedrock = boto3.client("bedrock", region_name="us-east-1")
job = bedrock.create_model_customization_job(
    jobName="{name}",
    customModelName="{name}",
    roleArn="arn:aws:iam::ACCOUNT:role/ROLE",
    baseModelIdentifier="{model}",
    customizationType="{kind}",
    trainingDataConfig={{"s3Uri": "s3://BUCKET/{name}/{train}"}},
{settings}    outputDataConfig={{"s3Uri": "s3://BUCKET/{name}/out/"}},
)
print(job["jobArn"])"""
VALIDATION = """\
validationDataConfig={{"validators": [{{"s3Uri": "s3://BUCKET/{name}/{file}"}}]}},"""
LAMBDA = """\
customizationConfig={"rftConfig": {"graderConfig": {"lambdaGrader": {"lambdaArn": "ARN"}}}},"""
SAGEMAKER = """\
from sagemaker.inputs import TrainingInput
from sagemaker.pytorch import PyTorch

# before: aws s3 cp --recursive . s3://BUCKET/{name}/
repository = "708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-fine-tune-repo"
estimator = PyTorch(
    base_job_name="{name}",
    role="arn:aws:iam::ACCOUNT:role/ROLE",
    output_path="s3://BUCKET/{name}/out/",
    instance_type="ml.p5.48xlarge",
    instance_count=4,
    training_recipe="{model}",
    image_uri=repository + ":SM-TJ-DPO-latest",
    disable_profiler=True,
    debugger_hook_config=False,
)
inputs = {{
{inputs}
}}
estimator.fit(inputs=inputs)"""
INPUT = """\
    "{kind}": TrainingInput(
        "s3://BUCKET/{name}/{file}", distribution="FullyReplicated", s3_data_type="Converse"
    ),"""
KINDS: Mapping[Objective, str] = {
    "sft": "FINE_TUNING",
    "rl": "REINFORCEMENT_FINE_TUNING",
}
MODELS: Mapping[Objective, str] = {
    "sft": "amazon.nova-lite-v1:0:300k",
    "dpo": "fine-tuning/nova/nova_lite_p5_gpu_lora_dpo",
    "rl": "amazon.nova-2-lite-v1:0:256k",
}
WORDS = (
    "Amazon refuses a file where a text has one of `System:`, `User:`, `Bot:`, `Assistant:`, "
    "`Thought:`, `[EOS]`, `<image>`, `<video>`, `<unk>`, in any case. Such rows are left out as "
    "`row_skipped:reserved_token`; nothing is rewritten."
)
FILLED = "A tool without a description is described by its name, for Amazon insists on one."
IDS = (
    "A call id stands once in a row. Ids that came twice, or have other signs than letters, digits "
    "and `_.:-`, are renamed, the same in every build."
)
NOTES: Mapping[Objective, tuple[str, ...]] = {
    "sft": (
        "Each row ends with a turn that trains; a conversation of several is several rows. Amazon "
        "does not say whether the assistant turns before it train too, and no row can forbid it.",
        WORDS,
        IDS,
        FILLED,
        "8 to 20,000 rows, those of validation included. Nova 2 Lite "
        "(`amazon.nova-2-lite-v1:0:256k`) wants 200, takes no validation rows, and Amazon warns "
        "that rows with tools may make its job fail.",
    ),
    "dpo": (
        "Preferences train Nova 1 (Micro, Lite, Pro) as a recipe of SageMaker AI. Bedrock has no "
        "such job, Nova 2 no such recipe. Names of recipes change: see `recipes_collection` of "
        "`aws/sagemaker-hyperpod-recipes`.",
        "Each side is one text: pairs where a side calls a tool are left out; calls before it stay "
        "in the prompt.",
        WORDS,
        IDS,
        FILLED,
        "8 rows at least and 20,000 at most.",
    ),
    "rl": (
        f"`{GRADER}` is the Lambda function behind `ARN`: it scores an answer as the suite's "
        "scorers `match` and `tool_calls` do. Give it more than the default of 3 seconds.",
        "`reference_answer` holds the right text, or for the scorer `tool_calls` the right calls "
        "as JSON; `pass_rate` is the share of `samples` that `policy` got right in production, and "
        "is absent where nobody knows.",
        "Amazon takes prompts of system, user and assistant: tasks after the result of a tool are "
        "left out as `row_skipped:tool_reply_unsupported`.",
        WORDS,
        FILLED,
        "100 to 20,000 rows; Nova 2 Lite alone, and it takes no validation rows.",
    ),
}


def howto(written: Written) -> str:
    """The page for what was written."""
    page = Howto(
        service="Amazon",
        about="`pip install boto3`, for preferences `'sagemaker<3'`. `BUCKET`, `ACCOUNT`, `ROLE` "
        "are yours, the model is an example: see which ones your region can customize.",
        checked="The rows were held against Converse as botocore 1.44 has it, and the documented "
        "rules.",
        code=_code(written),
        notes=NOTES[written.shape.objective],
    )
    return page.page(written)


def grader() -> str:
    """The function that scores answers, in a file that imports nothing else."""
    functions = (nova_grader.lambda_handler, nova_grader.score)
    parts = [inspect.getsource(rft_grader), *(inspect.getsource(one) for one in functions)]
    return "\n\n".join(parts)


def _name(written: Written) -> str:
    """As jobs and models may be called: single dashes, no underscores, 60 signs."""
    return re.sub(r"[_-]+", "-", written.shape.slug)[:60].strip("-") or "dataset"


def _code(written: Written) -> str:
    objective, name = written.shape.objective, _name(written)
    if objective == "dpo":
        kinds = {"train": "train", "test": "validation"}
        inputs = [
            INPUT.format(kind=kinds[split], name=name, file=file)
            for split, file in written.files.items()
        ]
        return SAGEMAKER.format(name=name, model=MODELS["dpo"], inputs="\n".join(inputs))
    settings = [LAMBDA] if objective == "rl" else []
    if objective == "sft" and "test" in written.files:
        settings.append(VALIDATION.format(name=name, file=written.files["test"]))
    return BEDROCK.format(
        name=name,
        model=MODELS[objective],
        kind=KINDS[objective],
        train=written.files.get("train", "train.jsonl"),
        settings="".join(f"    {setting}\n" for setting in settings),
    )

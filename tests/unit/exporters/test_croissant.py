import json

import pytest

from headrace.exporters import croissant
from headrace.exporters.objective import OBJECTIVES, Objective
from tests.unit.exporters.test_card import manifest

FILES = {
    "data/train-00000-of-00001.parquet": "a" * 64,
    "formats/trl/train.jsonl": "b" * 64,
    "formats/trl/HOWTO.md": "c" * 64,
    "formats/x/NOTICE": "d" * 64,
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_file_is_named_with_its_hash_and_type(objective: Objective) -> None:
    made = manifest(objective=objective)
    read = json.loads(croissant.croissant(made, "What it is.", FILES))
    assert read["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert (read["name"], read["version"], read["license"]) == ("refunds", "v1", "other")
    assert {one["contentUrl"]: one["sha256"] for one in read["distribution"]} == FILES
    assert [one["encodingFormat"] for one in read["distribution"]] == [
        "application/vnd.apache.parquet",
        "text/markdown",
        "application/jsonlines",
        "text/plain",
    ]
    ids = [one["@id"] for one in read["distribution"]]
    assert len(set(ids)) == len(ids)


def test_every_word_of_ours_is_one_of_the_vocabulary() -> None:
    read = json.loads(croissant.croissant(manifest(), "What it is.", FILES))
    used = {*read, *(key for one in read["distribution"] for key in one)}
    terms = {
        "name", "description", "version", "license", "keywords", "distribution",
        "contentUrl", "encodingFormat", "sha256",
    }  # fmt: skip
    assert used <= {"@context", "@type", "@id", *read["@context"], *terms}

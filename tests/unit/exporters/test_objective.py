import pyarrow as pa
import pytest

from headrace.exporters.errors import UnknownObjective
from headrace.exporters.objective import OBJECTIVES, SCHEMAS, objective


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_has_a_name_and_a_schema(name: str) -> None:
    assert objective(name) == name
    assert SCHEMAS[objective(name)].names[:2] == ["row_id", "episode_ids"]


@pytest.mark.parametrize("name", ["", "SFT", "sft ", "grpo", "reward"])
def test_any_other_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UnknownObjective, match="there are: sft, kto, dpo") as refused:
        objective(name)
    assert repr(name) in str(refused.value)


def leaves(kind: pa.DataType) -> set[str]:
    if pa.types.is_list(kind):
        return leaves(kind.value_type)
    if pa.types.is_struct(kind):
        return {leaf for i in range(kind.num_fields) for leaf in leaves(kind.field(i).type)}
    return {str(kind)}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_columns_are_of_plain_types_that_every_reader_knows(name: str) -> None:
    schema = SCHEMAS[objective(name)]
    plain = {"string", "bool", "double", "int64"}
    assert {leaf for field in schema for leaf in leaves(field.type)} <= plain
    assert schema.field("tools").type == pa.string(), "a struct would mix the tools of all rows"
    assert schema.metadata is None

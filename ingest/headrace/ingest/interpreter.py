"""JMESPath for marks: what says nothing of a field that a line has not."""

from typing import TYPE_CHECKING, Any

from jmespath.visitor import TreeInterpreter

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode


class Marks(TreeInterpreter):
    """An interpreter to which a comparison with nothing is nothing.

    By the letter of JMESPath ``reward == `1` `` is false and `!failed` true where the field is
    null or absent: an episode without an outcome would be marked. Inside `[?...]` the letter holds.
    """

    def visit_comparator(self, node: "_TreeNode", value: Any) -> Any:
        sides = node["children"]
        if not any(map(_is_null, sides)) and None in [self.visit(side, value) for side in sides]:
            return None
        return super().visit_comparator(node, value)

    def visit_not_expression(self, node: "_TreeNode", value: Any) -> Any:
        if self.visit(node["children"][0], value) is None:
            return None
        return super().visit_not_expression(node, value)

    def visit_filter_projection(self, node: "_TreeNode", value: Any) -> Any:
        return TreeInterpreter().visit(node, value)


def _is_null(node: "_TreeNode") -> bool:
    """Whether an expression asks for null by name, and so wants to know."""
    return node["type"] == "literal" and node["value"] is None

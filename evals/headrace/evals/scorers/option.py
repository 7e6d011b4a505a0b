"""Options of a scorer, written behind its name: `tool_calls:names,in_order`."""

Options = frozenset[str]

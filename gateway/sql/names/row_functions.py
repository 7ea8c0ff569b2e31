"""The functions that give rows, and the expressions that do so by calling one."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import position_of
from gateway.sql.text.trees import nodes_of, own_nodes

# Functions that give rows of one column -> its name; "": that of the function or of its alias.
SETS = {
    "json_array_elements": "value",
    "jsonb_array_elements": "value",
    "json_array_elements_text": "value",
    "jsonb_array_elements_text": "value",
    "json_object_keys": "",
    "jsonb_object_keys": "",
    "regexp_split_to_table": "",
    "regexp_matches": "",
    "string_to_table": "",
    "jsonb_path_query": "",
    "generate_subscripts": "",
}
# Functions that give rows of two columns -> the functions that give each.
PAIRS = {
    f"{kind}_each{end}": {"key": f"{kind}_each_key", "value": f"{kind}_each{end}_value"}
    for kind in ("json", "jsonb")
    for end in ("", "_text")
}
NUMBERED = ("generate_series", *SETS)
GIVING_ROWS = frozenset(
    ("unnest", *NUMBERED, *(each for pair in PAIRS.values() for each in pair.values()))
)
_APART = "You might be able to move the set-returning function into a LATERAL FROM item."


def gives_rows(value: exp.Expr) -> bool:
    """Whether an expression gives any number of rows."""
    return any(call.name in GIVING_ROWS for call in nodes_of(value, exp.Anonymous))


def refuse_sets(value: exp.Expr, clause: str, hint: str = "") -> None:
    """Refuse such an expression in a clause that takes one value of each row.

    Raises:
        FeatureNotSupported: 0A000, in PostgreSQL's words.
    """
    for node in own_nodes(value):
        if isinstance(node, exp.Anonymous) and node.name in GIVING_ROWS:
            raise FeatureNotSupported(
                f"set-returning functions are not allowed in {clause}",
                hint=hint,
                position=position_of(node),
            )


def refuse_chosen_sets(tree: exp.Expr) -> None:
    """Refuse such an expression where it would be run or not, row by row.

    Raises:
        FeatureNotSupported: 0A000, it stands in CASE or COALESCE.
    """
    for case in nodes_of(tree, exp.Case):
        refuse_sets(case, "CASE", _APART)
    for call in nodes_of(tree, exp.Anonymous):
        if call.name.lower() == "coalesce":
            refuse_sets(call, "COALESCE", _APART)

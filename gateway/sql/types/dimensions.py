"""How many dimensions an array has, and what its subscripts mean by that (manual, 8.15.3).

To PostgreSQL all arrays of integers are of one type, and an item is named by as many subscripts as
the array has dimensions: with fewer or more it is NULL. To the engine an array of arrays is a type
of its own, and its first subscript gives an array.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import DatatypeMismatch, FeatureNotSupported, GatewayError
from gateway.sql.inputs.array_input import dimensions_of as dimensions_read
from gateway.sql.inputs.array_input import read_array
from gateway.sql.names.scope import Block, Output, position_of, resolve
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, JSONB, Types, bare
from gateway.sql.types.parameters import postgres_type
from gateway.types import STRINGS, TEXT, Type, dimensions

_TEXTS = (exp.DType.TEXT, exp.DType.VARCHAR)
# On an argument that becomes JSON.
DIMENSIONS = "dimensions"
_JSON_MAKERS = frozenset(
    {"to_json", "to_jsonb", "array_to_json", "json_build_array", "jsonb_build_array",
     "json_build_object", "jsonb_build_object"}
)  # fmt: skip
_INTO_ALL = ("unnest", "any", "some", "all")
# Calls for which dimensions matter.
DEEP_CALLS = _JSON_MAKERS | {*_INTO_ALL}
# Name of the array's type, dimensions -> the function that writes it as text.
DEEP = {
    (f"_{name}", depth): f"text_of_{name}_array_{depth}d"
    for name in ("bool", "int2", "int4", "int8", "float4", "float8", "text")
    for depth in (2, 3)
}
_DEEPEST = 40  # queries inside each other that are looked through


def keep_dimensions(block: Block) -> None:
    """Let items and casts of arrays of several dimensions mean what PostgreSQL means, in place.

    Items whose subscripts are not as many as the dimensions become NULL; a cast keeps them.
    A subscript of a jsonb becomes `#>`.

    Raises:
        FeatureNotSupported: 0A000, a slice in several dimensions.
        DatatypeMismatch: 42804, a subscript that is no key of a jsonb.
    """
    for node in own_nodes(block.select):
        if isinstance(node, exp.Bracket) and not is_inner(node):
            _keep_item(node, block)
        elif type(node) is exp.Cast:
            _keep_cast(node, block)
        elif isinstance(node, exp.Unnest) or (
            isinstance(node, exp.Anonymous) and node.name.lower() in _INTO_ALL
        ):
            _flatten(node, block)
        elif isinstance(node, exp.Anonymous) and node.name.lower() in _JSON_MAKERS:
            for each in node.expressions:
                each.meta[DIMENSIONS] = depth_of(each, block) or 1


def _gives(node: exp.Expr, kind: Type) -> exp.Expr:
    node.meta[GIVES] = kind
    return node


def written_deep(kind: Type | None, depth: int) -> str | None:
    """The function that writes arrays of so many dimensions as text; None: there is none."""
    return DEEP.get((kind.name, depth)) if kind is not None else None


def _keep_item(node: exp.Bracket, block: Block) -> None:
    base, subscripts = unfolded(node)
    known = Types(block)
    if known.of(base) is JSONB:
        path = [_key(each, known) for each in subscripts]
        node.replace(exp.JSONBExtract(this=base, expression=exp.Array(expressions=path)))
        return
    if any(isinstance(each, exp.Slice) for each in subscripts):
        if len(subscripts) > 1:
            raise FeatureNotSupported("a slice in several dimensions is not supported")
        return
    found = depth_of(base, block)
    if found and found != len(subscripts):
        kind = known.of(node)
        if kind is not None:
            node.replace(null_of(kind))


def _key(subscript: exp.Expr, known: Types) -> exp.Expr:
    """A subscript of a jsonb as a step of `#>` (manual, 8.14.5)."""
    if isinstance(subscript, exp.Slice):
        raise DatatypeMismatch("jsonb subscript does not support slices")
    kind = known.of(subscript)
    if subscript.is_string or kind is None or kind.name in (*STRINGS, "int2", "int4"):
        return exp.Cast(this=subscript, to=data_type(TEXT))
    raise DatatypeMismatch(
        f"subscript type {kind.sql} is not supported",
        detail="jsonb subscript must be coercible to either integer or text.",
        position=position_of(subscript),
    )


def _keep_cast(node: exp.Cast, block: Block) -> None:
    """The engine counts the dimensions of the type; a literal's are counted when it is read."""
    if isinstance(node.this, exp.Literal | exp.Null | exp.Parameter):
        return
    wanted: exp.DataType = node.args["to"]
    depth = depth_of(node.this, block) or 0
    if wanted.this in _TEXTS and depth > 1:
        function = written_deep(Types(block).of(node.this), depth)
        if function is None:
            raise FeatureNotSupported(
                "a cast to text of this array of several dimensions is not supported",
                hint="Select the array itself, or array_to_string() of it.",
            )
        node.set("this", _gives(exp.Anonymous(this=function, expressions=[node.this.copy()]), TEXT))
        return
    if wanted.this != exp.DType.ARRAY:
        return
    for _ in range((depth or 1) - _nested(wanted)):
        wanted = exp.DataType(this=exp.DType.ARRAY, expressions=[wanted.copy()], nested=True)
    node.set("to", wanted)


def _flatten(node: exp.Expr, block: Block) -> None:
    """unnest and ANY go into all dimensions, the engine's into one."""
    for array in list(node.expressions):
        found = depth_of(array, block) or 1
        kind = Types(block).of(array) if found > 1 else None
        flat = array
        for _ in range(found - 1):
            flat = exp.Anonymous(this="flatten", expressions=[flat.copy()])
        if kind is not None and flat is not array:
            flat.meta[GIVES] = kind
            array.replace(flat)


def _nested(kind: exp.DataType) -> int:
    depth = 0
    while kind.this == exp.DType.ARRAY and kind.expressions:
        depth, kind = depth + 1, kind.expressions[0]
    return depth


def is_inner(node: exp.Bracket) -> bool:
    """Whether another subscript follows it."""
    return isinstance(node.parent, exp.Bracket) and node.arg_key == "this"


def whole_item(base: exp.Expr) -> exp.Bracket | None:
    """`a[i][j]` of its `a`, with all subscripts that follow; None where none does."""
    found, tree = None, base
    while isinstance(tree.parent, exp.Bracket) and tree.arg_key == "this":
        found = tree = tree.parent
    return found


def unfolded(node: exp.Bracket) -> tuple[exp.Expr, list[exp.Expr]]:
    """The array of `a[i][j]`, and its subscripts in order."""
    subscripts: list[exp.Expr] = []
    tree: exp.Expr = node
    while isinstance(tree, exp.Bracket):
        subscripts[:0] = tree.expressions
        tree = tree.this
    return tree, subscripts


def null_of(kind: Type) -> exp.Expr:
    """NULL of a type."""
    return exp.Cast(this=exp.null(), to=data_type(kind))


def depth_of(tree: exp.Expr, block: Block, deep: int = 0) -> int | None:
    """How many dimensions the values of `tree` have; 0: no array; None: nothing tells."""
    tree = bare(tree)
    if isinstance(tree, exp.Null):
        return 0
    if deep > _DEEPEST:
        return None
    if isinstance(tree, exp.Column):
        return _of_column(tree, block, deep)
    if isinstance(tree, exp.Cast):
        return _of_cast(tree, block, deep)
    if isinstance(tree, exp.Array):
        return _one_more(tree.expressions, block, deep)
    if isinstance(tree, exp.Anonymous) and tree.name.lower() == "array_agg":
        return _one_more(tree.expressions[:1], block, deep)
    if isinstance(tree, exp.DPipe):
        sides = [depth_of(side, block, deep + 1) for side in (tree.this, tree.expression)]
        return None if None in sides else max(side or 0 for side in sides)
    if isinstance(tree, exp.Subquery):
        query = block.inner.get(id(tree))
        return None if query is None else _of_output(query.outputs[0], deep)
    kind = Types(block).of(tree)
    return None if kind is None or kind.element is not None else 0


def _one_more(items: list[exp.Expr], block: Block, deep: int) -> int | None:
    """Those of an array of these."""
    if not items:
        return 1
    found = [depth_of(each, block, deep + 1) for each in items]
    return None if None in found else 1 + max(each or 0 for each in found)


def _of_cast(tree: exp.Cast, block: Block, deep: int) -> int | None:
    try:
        kind = postgres_type(tree.args["to"])
        if kind.element is None:
            return 0
        if tree.this.is_string:
            return dimensions_read(read_array(tree.this.name))
    except GatewayError:  # it is refused in its turn
        return None
    if isinstance(tree.this, exp.Null):
        return 1
    return depth_of(tree.this, block, deep + 1) or None


def _of_column(tree: exp.Column, block: Block, deep: int) -> int | None:
    try:
        source, name = resolve(block, tree)
    except GatewayError:  # the engine reports it, in its turn
        return None
    given = source.tree if source.query is None else source.query.tree
    place = list(source.columns or (name,)).index(name)  # an alias may have renamed them
    if isinstance(given, exp.Values):
        return _of_values(given, place, block, deep)
    if source.query is not None:
        outputs = source.query.outputs
        there = not source.recursive and len(outputs) == len(source.columns or ())
        return _of_output(outputs[place], deep) if there else None
    info = (source.columns or {}).get(name)
    stored = isinstance(given, exp.Table) and isinstance(given.this, exp.Identifier)
    return dimensions(info.type) if stored and info is not None and info.type is not None else None


def _of_values(tree: exp.Values, place: int, block: Block, deep: int) -> int | None:
    """Those of the first value that is not NULL."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in tree.expressions]
    given = (row[place] for row in rows if not isinstance(row[place], exp.Null))
    first = next(given, None)
    return None if first is None else depth_of(first, block, deep + 1)


def _of_output(output: Output, deep: int) -> int | None:
    if output.sides:
        return _of_output(output.sides[0], deep + 1)
    if output.expression is None or output.block is None:
        return None
    return depth_of(output.expression, output.block, deep + 1)

"""What PostgreSQL's operators are in a tree: nodes, or calls of the functions behind them."""

from __future__ import annotations

from sqlglot import exp

# PostgreSQL's operators of the middle rank, "any other operator" in its table: left-associative,
# between + and BETWEEN. The text of the tokens -> the node.
OTHER_OPERATORS: dict[tuple[str, ...], type[exp.Expr]] = {
    ("||",): exp.DPipe,
    ("~",): exp.RegexpLike,
    ("~*",): exp.RegexpILike,
    ("~~",): exp.Like,
    ("~~*",): exp.ILike,
    ("&",): exp.BitwiseAnd,
    ("|",): exp.BitwiseOr,
    ("#",): exp.BitwiseXor,
    ("<", "<"): exp.BitwiseLeftShift,
    (">", ">"): exp.BitwiseRightShift,
    ("@>",): exp.ArrayContainsAll,
    ("<@",): exp.ArrayContainedBy,
    ("&&",): exp.ArrayOverlaps,
    ("->",): exp.JSONExtract,
    ("->>",): exp.JSONExtractScalar,
    ("#>",): exp.JSONBExtract,
    ("#>>",): exp.JSONBExtractScalar,
    ("?",): exp.JSONBContains,
    ("?|",): exp.JSONBContainsAnyTopKeys,
    ("?&",): exp.JSONBContainsAllTopKeys,
    ("#-",): exp.JSONBDeleteAtPath,
}
# Those that the engine has as functions.
CALLED_OPERATORS: dict[tuple[str, ...], str] = {
    ("^@",): "starts_with",
    ("@?",): "jsonb_path_there",
    ("@@",): "jsonb_path_true",
    ("<", "<="): "network_subeq",
    (">", ">="): "network_supeq",
}
WORDS = OTHER_OPERATORS.keys() | CALLED_OPERATORS.keys()


def operation(words: tuple[str, ...], this: exp.Expr, other: exp.Expr) -> exp.Expr:
    """The node of an operator between two sides; no output is named after a function."""
    if words in OTHER_OPERATORS:
        return OTHER_OPERATORS[words](this=this, expression=other)
    call = exp.Anonymous(this=CALLED_OPERATORS[words], expressions=[this, other])
    call.meta["operator"] = True
    return call


NEGATED = ("~", "~*", "~~", "~~*")  # with a ! before, they are NOT

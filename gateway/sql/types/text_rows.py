"""Rows of `overloads` over texts and patterns, as PostgreSQL lists them (manual, 9.4, 9.7)."""

from __future__ import annotations


def _parts(split: str) -> str:
    """An empty text has no part; the engine gives one."""
    return f"CASE WHEN a = '' THEN array_remove(ARRAY[''], '') ELSE {split} END"


def _from_defaults(
    name: str, becomes: str, kinds: tuple[str, ...], defaults: tuple[str, ...], least: int = 0
) -> tuple[tuple[str, str], ...]:
    """A call with all its arguments but the last ones, for which the defaults stand."""
    rows = []
    for count in range(least, len(kinds) + 1):
        given = ", ".join(["a", "b", *"cdefg"[:count], *defaults[count:]])
        rows.append(
            (f"{name}({', '.join(['text', 'text', *kinds[:count]])})", f"{becomes}({given})")
        )
    return tuple(rows)


TEXT_ROWS: tuple[tuple[str, str], ...] = (
    ("regexp_split_to_array(text, text)", "regexp_parts(a, b, '')"),
    ("regexp_split_to_array(text, text, text)", "regexp_parts(a, b, c)"),
    ("regexp_split_to_table(text, text)", "unnest(regexp_parts(a, b, ''))"),
    ("regexp_split_to_table(text, text, text)", "unnest(regexp_parts(a, b, c))"),
    ("regexp_matches(text, text)",        "unnest(one_match(regexp_match(a, b)))"),
    ("regexp_matches(text, text, text)",  "unnest(all_matches(a, b, c))"),
    ("regexp_like(text, text)",           "is_matched(a, b, '')"),
    ("regexp_like(text, text, text)",     "is_matched(a, b, c)"),
    ("regexp_substr(text, text)",         "match_part(a, b, 1, 1, '', 0)"),
    ("string_to_array(any, any)",         _parts("string_to_array(a, b)")),
    ("string_to_array(any, any, any)",    _parts("string_to_array(a, b, c)")),
    ("string_to_table(text, text)",       f"unnest({_parts('string_to_array(a, b)')})"),
    ("string_to_table(text, text, text)", f"unnest({_parts('string_to_array(a, b, c)')})"),
    ("unistr(text)",                      "unistr(a)"),
    ("normalize(text)",                   "normalize_text(a, 'NFC')"),
    ("normalize(text, text)",             "normalize_text(a, b)"),
    ("is_normalized(text, text)",         "(normalize_text(a, b) = a)"),
    ("regexp_count(text, text)",          "matches_counted(a, b, 1, '')"),
    ("regexp_count(text, text, integer)", "matches_counted(a, b, c, '')"),
    ("regexp_count(text, text, integer, text)", "matches_counted(a, b, c, d)"),
    *_from_defaults(
        "regexp_instr", "match_place", ("integer", "integer", "integer", "text", "integer"),
        ("1", "1", "0", "''", "0")),
    *_from_defaults(
        "regexp_substr", "match_part", ("integer", "integer", "text", "integer"),
        ("1", "1", "''", "0"), 1),
    ("regexp_replace(text, text, text)",          "regexp_replace(a, b, c)"),
    ("regexp_replace(text, text, text, text)",    "regexp_replace(a, b, c, d)"),
    ("regexp_replace(text, text, text, integer)", "matches_replaced(a, b, c, d, 1, '')"),
    ("regexp_replace(text, text, text, integer, integer)", "matches_replaced(a, b, c, d, e, '')"),
    ("regexp_replace(text, text, text, integer, integer, text)",
     "matches_replaced(a, b, c, d, e, f)"),
)  # fmt: skip

"""DataFusion's error texts -> our error classes, with PostgreSQL's words where it has them.

DataFusion raises ValueError while planning, Exception while running, and BaseException when it
panics; none carries a code, so the text decides. An error that one of our own tables raised inside
a scan comes back as text too; the provider keeps the original, and it is raised again unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway import errors
from gateway.errors import GatewayError

# What the engine puts before the sentence that says what is wrong, in any number and order.
_PREFIX = re.compile(
    r"(?:DataFusion error|Error during planning|Execution error|Arrow error|Schema error|SQL error"
    r"|Cast error|Compute error|External error|Internal error|Invalid argument error"
    r"|Arithmetic overflow|Optimizer rule '\w+' failed|Parser error|This feature is not implemented"
    r"|Resources exhausted|[a-z_]+\ncaused by|Invalid regex|caused by)[:\s]*"
)
_PARSER = re.compile(r'(?:SQL error: )?(?:ParserError|TokenizerError)\("(.*)"\)', re.S)
_SPANS = re.compile(r" at Line: \d+, Column: \d+")
_SUGGESTION = re.compile(r"(Did you mean '[^']*'\?)")
# What a function of gateway/engine/functions raised, as the engine quotes it.
_OURS = re.compile(
    r"PyErr \{ type: <class 'gateway\.errors\.\w+\.(?P<name>\w+)'>, value: \w+\("
    r"(?P<quote>['\"])(?P<text>.*?)(?P=quote)\)"
)
# What of a long text is looked at: its beginning and its end, where the sentences are. A value of a
# megabyte that is quoted between them must not be searched by every pattern.
_LOOKED_AT = 2000
_LONGEST = 500  # characters of a message: engine texts may quote a whole plan


_JOIN = "Write it as a join."


@dataclass(frozen=True, slots=True)
class Fault:
    """One sentence of the engine: the pattern that finds it, the class, our message.

    `message` is a template over the pattern's groups; None keeps the engine's own first line.
    `hint` stands before what the engine suggests.
    """

    pattern: str
    error: type[GatewayError]
    message: str | None = None
    hint: str = ""


# The first row that matches wins. An error without a row keeps its text and gets the class of
# `_leftover`.
FAULTS = (
    # a function of gateway/engine/functions
    Fault(r"PyErr \{ type: <class 'ValueError'>, value: ValueError\('([^']*)'\)",
          errors.InvalidParameterValue, "{1}"),
    Fault(r"[Cc]annot run range queries on datatype: (\w+)", errors.FeatureNotSupported,
          "a window ordered by a value of this type is not supported"),
    Fault(r"ScalarSubqueryExpr evaluated before", errors.FeatureNotSupported,
          "a subquery in this place is not supported", _JOIN),
    Fault(r"Multiple recursive references to the same CTE", errors.FeatureNotSupported,
          "a recursive query that reads its own rows more than once is not supported",
          "Name it once in FROM, join it with what is to be added up, and GROUP BY its columns."),
    Fault(r"[Uu]nable to represent \d+ (?:months|days) in a signed", errors.IntervalFieldOverflow,
          "interval field value out of range"),
    # names; one of the engine's own making is no name that the user wrote
    Fault(r"No field named .*__correlated_sq_\d+",
          errors.FeatureNotSupported, "this form of correlated subquery is not supported", _JOIN),
    Fault(r"table function '([^']*)' not found", errors.UndefinedFunction,
          "function {1} does not exist"),
    Fault(r"table 'datafusion\.(.*)' not found", errors.UndefinedTable,
          'relation "{1}" does not exist'),
    Fault(r"No field named ((?:\"[^\"]*\"|[^\s\"])+?)\.(?:\s|$)", errors.UndefinedColumn,
          "column {1} does not exist"),
    Fault(r"[Cc]annot access field at argument", errors.WrongObjectType,
          "column notation is applied to what is not a composite type",
          "A part of a moment is extract(part FROM column)."),
    Fault(r"[Aa]mbiguous reference to (?:un)?qualified field (\S+)", errors.AmbiguousColumn,
          "column reference {1} is ambiguous"),
    Fault(r"Invalid function '([^']*)'", errors.UndefinedFunction,
          "function {1} does not exist"),
    Fault(r"given name and argument types '([^']*)'", errors.UndefinedFunction,
          "function {1} does not exist"),
    Fault(r"Function '([^']*)' failed to match any signature", errors.UndefinedFunction,
          "function {1} does not exist for arguments of these types"),
    Fault(r"Cannot coerce arithmetic expression (.*) to valid types", errors.UndefinedFunction,
          "operator does not exist: {1}"),
    Fault(r"There isn't a common type to coerce (\S+) and (\S+) in (\S+)",
          errors.UndefinedFunction, "operator does not exist: {1} {3} {2}"),
    Fault(r"Unsupported SQL type (.*)", errors.UndefinedObject, 'type "{1}" does not exist'),
    Fault(r"Placeholder '(\$\d+)' was not provided", errors.UndefinedParameter,
          "there is no parameter {1}"),
    Fault(r"No value found for placeholder with id (\$\d+)", errors.UndefinedParameter,
          "there is no parameter {1}"),
    Fault(r"duplicate qualified field name (\S+)\.\S+", errors.DuplicateAlias,
          'table name "{1}" specified more than once'),
    Fault(r"WITH query name \"(.*)\" specified more than once", errors.DuplicateAlias,
          'WITH query name "{1}" specified more than once'),
    Fault(r"Projections require unique expression names", errors.DuplicateColumn),
    # shape of the statement
    Fault(r"(?:ParserError|TokenizerError)\(\"RecursionLimitExceeded|RecursionLimitExceeded"
          r"|recursion limit exceeded", errors.StatementTooComplex,
          "statement is nested too deeply"),
    Fault(r"ParserError|TokenizerError", errors.SyntaxFault),
    Fault(r"Inconsistent data length across values list", errors.SyntaxFault,
          "VALUES lists must all be the same length"),
    Fault(r"(UNION|EXCEPT|INTERSECT) queries have different number of columns",
          errors.SyntaxFault, "each {1} query must have the same number of columns"),
    Fault(r"[Ii]nvalid qualifier (\S+)", errors.UndefinedTable,
          'missing FROM-clause entry for table "{1}"'),
    Fault(r"unnest\(\) can only be applied to", errors.UndefinedFunction,
          "function unnest does not exist for arguments of these types"),
    Fault(r"Too many columns! The subquery should only return one column", errors.SyntaxFault,
          "subquery must return only one column"),
    Fault(r"column \"([^\"]*)\" must appear in the GROUP BY", errors.GroupingError,
          'column "{1}" must appear in the GROUP BY clause or be used in an aggregate function'),
    Fault(r"must appear in the GROUP BY", errors.GroupingError),
    Fault(r"[Ff]or SELECT DISTINCT, ORDER BY expressions", errors.InvalidColumnReference,
          "for SELECT DISTINCT, ORDER BY expressions must appear in select list"),
    Fault(r"SELECT DISTINCT ON expressions must match", errors.InvalidColumnReference,
          "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"),
    Fault(r"to grouping function is not in grouping columns", errors.GroupingError,
          "arguments to GROUPING must be grouping expressions of the associated query level"),
    Fault(r"frame offsets for ROWS / GROUPS must be non negative", errors.InvalidFrameOffset,
          "frame starting offset must not be negative"),
    Fault(r"NTILE requires", errors.InvalidNtileArgument,
          "argument of ntile must be greater than zero"),
    Fault(r"[Ss]ource table contains (\d+) columns but only (\d+) names given",
          errors.InvalidColumnReference, "{1} columns available but {2} columns specified"),
    Fault(r"Aggregate function.* (?:not allowed|cannot be nested)", errors.GroupingError),
    Fault(r"[Ww]indow function.* not allowed", errors.WindowingError),
    Fault(r"(?:Order by column out of bounds|Cannot find column with position)\D*(\d+)",
          errors.InvalidColumnReference, "ORDER BY position {1} is not in select list"),
    Fault(r"LIMIT must be >= 0", errors.InvalidRowCountInLimit, "LIMIT must not be negative"),
    Fault(r"OFFSET must be >=\s*0", errors.InvalidRowCountInOffset, "OFFSET must not be negative"),
    Fault(r"Expected (LIMIT|OFFSET) to be an integer", errors.DatatypeMismatch,
          "argument of {1} must be type bigint"),
    Fault(r"non-boolean predicate .* returning (\w+)", errors.DatatypeMismatch,
          "argument of WHERE must be type boolean, not type {1}"),
    Fault(r"only be applied to array", errors.DatatypeMismatch),
    Fault(r"Scalar subquery returned more than one row", errors.CardinalityViolation,
          "more than one row returned by a subquery used as an expression"),
    Fault(r"\b(\w+) requires (?:a )?non-empty constant string", errors.FeatureNotSupported,
          "the field of {1} must be a literal"),
    # values
    Fault(r"[Oo]ffset overflow", errors.OutOfMemory,
          "out of memory: a column would be larger than 2 GB for a batch of rows"),
    Fault(r"too (?:large|small) to store in a Decimal", errors.NumericValueOutOfRange,
          "numeric field overflow"),
    Fault(r"[Cc]annot cast to Decimal\d+\(.*\)\. Overflowing on (?:NaN|[+-]?inf)",
          errors.FeatureNotSupported, "a numeric NaN or infinity cannot be held here",
          "Use double precision."),
    Fault(r"[Cc]annot cast to Decimal\d+\(.*\)\. Overflowing on",
          errors.NumericValueOutOfRange, "numeric field overflow"),
    Fault(r"Failed to convert 86400000000 to temporal for Time64", errors.FeatureNotSupported,
          "the time 24:00:00 cannot stand in this place"),
    Fault(r"[Pp]ercentile value must be between .*, (\S+) is invalid",
          errors.NumericValueOutOfRange, "percentile value {1} is not between 0 and 1"),
    Fault(r"step can't be 0", errors.InvalidParameterValue, "step size cannot equal zero"),
    Fault(r"negative (?:count|substring length) not allowed", errors.SubstringFault,
          "negative substring length not allowed"),
    Fault(r'[Ii]nvalid timezone \\?"([^"\\]*)', errors.InvalidParameterValue,
          'time zone "{1}" not recognized'),
    Fault(r"month value '.*' is out of range|[Uu]nable to parse date from",
          errors.DatetimeFieldOverflow, "date field value out of range"),
    Fault(r"[Ii]nvalid Unicode scalar value: -", errors.InvalidParameterValue,
          "character number must be positive"),
    Fault(r"[Dd]ivide by zero|[Dd]ivision by zero", errors.DivisionByZero, "division by zero"),
    Fault(r"square root of a negative number|raised to a negative power",
          errors.InvalidPowerArgument),
    Fault(r"Error parsing timestamp from '(.*?)':", errors.InvalidDatetimeFormat,
          'invalid input syntax for type timestamp: "{1}"'),
    Fault(r"Cannot cast string '(.*)' to value of (?:Date|Time)\w* type",
          errors.InvalidDatetimeFormat, 'invalid input syntax for type date or time: "{1}"'),
    Fault(r"Cannot cast string '[+-]?\d[\d.]*' to value of Decimal", errors.NumericValueOutOfRange,
          "numeric field overflow"),
    Fault(r"Cannot cast string '(.*)' to value of Decimal\w*\(.*\) type",
          errors.InvalidTextRepresentation, 'invalid input syntax for type numeric: "{1}"'),
    Fault(r"Cannot cast string '(.*)' to value of (\w+) type", errors.InvalidTextRepresentation,
          'invalid input syntax for type {2}: "{1}"'),
    Fault(r"syntax for type interval: \"(.*)\"", errors.InvalidDatetimeFormat,
          'invalid input syntax for type interval: "{1}"'),
    Fault(r"Can't cast value (.*) to type (\w+)", errors.NumericValueOutOfRange,
          "{2} out of range"),
    Fault(r"value '.*' is out of range", errors.DatetimeFieldOverflow),
    Fault(r"\b[Tt]imestamp out of range", errors.DatetimeFieldOverflow, "timestamp out of range"),
    Fault(r"[Cc]annot cast to Interval\(\w+\)\. Overflowing on", errors.DatetimeFieldOverflow,
          "date out of range"),
    Fault(r"[Oo]verflow|out of range|too large to store", errors.NumericValueOutOfRange),
    Fault(r"regex parse error[\s\S]*(?:unclosed|unopened) group", errors.InvalidRegularExpression,
          "invalid regular expression: parentheses () not balanced"),
    Fault(r"regex parse error[\s\S]*unclosed character class", errors.InvalidRegularExpression,
          "invalid regular expression: brackets [] not balanced"),
    Fault(r"regex parse error[\s\S]*repetition operator", errors.InvalidRegularExpression,
          "invalid regular expression: quantifier operand invalid"),
    Fault(r"[Ff]actorial of a negative number", errors.NumericValueOutOfRange,
          "factorial of a negative number is undefined"),
    Fault(r"zero is not a valid index: (\$0)", errors.UndefinedParameter,
          "there is no parameter {1}"),
    Fault(r"regex parse error", errors.InvalidRegularExpression, "invalid regular expression"),
    # the engine itself
    Fault(r"No space left on device", errors.DiskFull,
          "no room left on the disk for the temporary files of a query",
          "Free some, or let TMPDIR name another place when the server starts."),
    Fault(r"[Nn]ot enough memory to continue external sort", errors.OutOfMemory,
          "not enough memory to sort so large rows",
          "Sort fewer or narrower columns, and join the others to them, or raise memory_bytes."),
    Fault(r"Resources exhausted", errors.OutOfMemory),
    Fault(r"(?:DDL|DML|Statement) not supported: (.*)", errors.FeatureNotSupported,
          "the query engine runs queries only, not {1}"),
    Fault(r"OuterReferenceColumn", errors.FeatureNotSupported,
          "a subquery cannot refer to the query around it in this place", _JOIN),
    Fault(r"[Cc]orrelated scalar subquery must be aggregated", errors.FeatureNotSupported,
          "a correlated subquery must be an aggregate, to give one row at most", _JOIN),
    Fault(r"logical expression ScalarSubquery|[Cc]orrelated scalar subquery",
          errors.FeatureNotSupported, "this form of correlated subquery is not supported", _JOIN),
    Fault(r"logical expression InSubquery", errors.FeatureNotSupported,
          "IN, ANY and ALL over a subquery are supported in WHERE alone", _JOIN),
    Fault(r"logical expression Exists", errors.FeatureNotSupported,
          "EXISTS, and ANY or ALL over a subquery, are not supported in this place", _JOIN),
    Fault(r"Physical plan does not support logical expression (\w+)", errors.FeatureNotSupported,
          "the query engine does not support {1} in this place"),
    Fault(r"This feature is not implemented", errors.FeatureNotSupported),
)  # fmt: skip


# The engine's names of types in a message, outside of quotes, -> PostgreSQL's.
_SQL_NAMES = {
    "Boolean": "boolean",
    "Int8": "smallint",
    "Int16": "smallint",
    "Int32": "integer",
    "Int64": "bigint",
    "UInt64": "bigint",
    "Float32": "real",
    "Float64": "double precision",
    "Utf8": "text",
    "Utf8View": "text",
    "LargeUtf8": "text",
    "Binary": "bytea",
    "Date32": "date",
}
_ENGINE_TYPE = re.compile(r'"[^"]*"|\b\w+\b')


@contextmanager
def translated(failures: list[GatewayError]) -> Iterator[None]:
    """Raise whatever the engine raises inside as a GatewayError.

    Args:
        failures: What our own tables raised while they were scanned; emptied by a failure.

    Raises:
        GatewayError: the original when one of our tables raised it, else as FAULTS says.
    """
    try:
        yield
    except (GatewayError, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    # BaseException: a panic of the engine (PanicException) derives from nothing narrower, and it
    # must end its statement only.
    except BaseException as error:
        text = str(error)
        original = next((failure for failure in failures if str(failure) in text), None)
        failures.clear()
        raise original or as_gateway_error(error) from error


def as_gateway_error(error: BaseException) -> GatewayError:
    """The GatewayError for what the engine raised, whatever it was.

    >>> as_gateway_error(ValueError("Error during planning: table 'datafusion.ncep.x' not found"))
    UndefinedTable('relation "ncep.x" does not exist')
    """
    if isinstance(error, MemoryError):
        return errors.OutOfMemory("out of memory")
    text = _shortened(str(error))
    if raised := _OURS.search(text):
        ours: type[GatewayError] = getattr(errors, raised["name"])
        return ours(raised["text"].replace("\\'", "'"))
    suggestion = _SUGGESTION.search(text)
    hint = suggestion[1] if suggestion else ""
    for fault in FAULTS:
        if found := re.search(fault.pattern, text):
            return fault.error(_message(fault, found, text), hint=fault.hint or hint)
    return _leftover(error, text)(first_line(text), hint=hint)


def _shortened(text: str) -> str:
    if len(text) <= 2 * _LOOKED_AT:
        return text
    return f"{text[:_LOOKED_AT]}...{text[-_LOOKED_AT:]}"


def _message(fault: Fault, found: re.Match[str], text: str) -> str:
    if fault.message is None:
        return first_line(text)
    message = fault.message.format("", *found.groups())[:_LONGEST]
    return _ENGINE_TYPE.sub(lambda word: _SQL_NAMES.get(word[0], word[0]), message)


def _leftover(error: BaseException, text: str) -> type[GatewayError]:
    """The class of an error without a row.

    Planning refuses what the engine has no way to do; running fails on a value it cannot take;
    what the engine itself calls internal, a panic and our own exceptions are faults of the server.
    """
    known = text.startswith(("DataFusion error", "Error during planning"))
    if not known or any(word in text for word in ("Internal error", "External error")):
        return errors.InternalError
    planning = isinstance(error, ValueError) or "Error during planning" in text
    return errors.FeatureNotSupported if planning else errors.InvalidParameterValue


def first_line(text: str) -> str:
    """The engine's own sentence, without the names of the layers that it came through.

    >>> first_line("DataFusion error: type_coercion\\ncaused by\\nArrow error: Bad thing")
    'bad thing'
    """
    if parser := _PARSER.search(text):
        return _lowered("syntax error: " + _SPANS.sub("", parser[1]))
    while prefix := _PREFIX.match(text):
        text = text[prefix.end() :]
    line = text.strip().partition("\n")[0].partition(" No function matches")[0]
    sentence, dump, _ = line[:_LONGEST].partition(" {")  # a struct of the engine, by its braces
    if dump:
        sentence = sentence.rpartition(" ")[0]
    return _lowered(sentence.rstrip(".: ")) or "the query engine failed without a message"


def _lowered(sentence: str) -> str:
    first, _, _ = sentence.partition(" ")
    capital = first[:1].isupper() and first[1:].islower()
    return sentence[0].lower() + sentence[1:] if capital else sentence

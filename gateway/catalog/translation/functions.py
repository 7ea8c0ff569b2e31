"""PostgreSQL's functions over DuckDB: a row each. What a call takes and gives, pg_proc tells.

A template's `{0}`, `{1}`, ... are the arguments, `{all}` all of them; `[pg_class]` is a relation
of the catalogue, `<regtype>` a function of `lookups`, `@user`, `@database` and `@path` what
the session has. Rows by `name(type of the first argument)` come before rows by `name/arity`, and
those before rows by name. A function of pg_proc without a row is refused (0A000).
"""

from __future__ import annotations

from gateway.sql.inputs.encodings import ENCODINGS, NUMBERS

_ENCODINGS = str([encoding.name for encoding in ENCODINGS])  # numbers are places here
_NUMBERS = f"MAP {NUMBERS}"
# A default names its sequence as it is called along the search_path.
_EXPRESSION = "CASE WHEN contains({0}, '''::') THEN <expression>({0}) ELSE {0} END"
# What SHOW prints of a setting; NULL when there is none.
_SHOWN = (
    "list_extract(getvariable('shown_values'), "
    "list_position(getvariable('shown_names'), lower({0})))"
)
_ZONE = _SHOWN.replace("{0}", "'timezone'")
_SINCE_1970 = "CASE WHEN isfinite({0}) THEN epoch_us({0}) END"
_CLIENT_ENCODING = _SHOWN.replace("{0}", "'client_encoding'")

# Views have rules, and nothing else has.
_RULE = (
    "(SELECT 'CREATE RULE \"_RETURN\" AS' || chr(10) || '    ON SELECT TO ' || CASE WHEN {1} "
    "THEN <regclass>(c.oid) ELSE quote_ident(n.nspname) || '.' || quote_ident(c.relname) END "
    "|| ' DO INSTEAD ' || <viewdef>(c.oid, {1}) FROM [pg_rewrite] AS r "
    "JOIN [pg_class] AS c ON c.oid = r.ev_class "
    "JOIN [pg_namespace] AS n ON n.oid = c.relnamespace WHERE r.oid = {0})"
)

_OF_CLIENT = "list_filter(getvariable('activity'), lambda a: a.pid = getvariable('pid'))[1].{}"


def _measured(name: str) -> str:
    """What was measured of the table {0}; 0 where nothing was."""
    places = f"CAST(getvariable('measured_{name}_of') AS BIGINT[])"
    values = f"CAST(getvariable('measured_{name}') AS BIGINT[])"
    return f"COALESCE({values}[list_position({places}, {{0}})], CAST(0 AS BIGINT))"


def _of_database(value: str) -> str:
    """A value of the one database there is; 0 for the templates and what all share."""
    none = "CASE WHEN {0} IN (0, 1, 4) THEN 0 WHEN {0} IS NOT NULL"
    return f"CAST({none} THEN {value} END AS BIGINT)"


TEMPLATES: dict[str, str] = {
    # Types
    "format_type": "<format_type>({0}, {1})",
    "oidvectortypes": (
        "array_to_string(list_transform({0}, "
        "lambda v: <format_type>(v, CAST(NULL AS INTEGER))), ', ')"
    ),
    "bpchar/1": "{0}",
    "to_regclass": "<to_regclass>({0})",
    "to_regtype": "<to_regtype>({0})",
    "to_regnamespace": "<to_regnamespace>({0})",
    "to_regrole": "<to_regrole>({0})",
    "to_regproc": "<to_regproc>({0})",
    "to_regprocedure": "<to_regprocedure>({0})",
    # What an object is called, and how it was made
    "pg_get_userbyid": "<role>({0})",
    "pg_get_expr/2": _EXPRESSION,
    "pg_get_expr/3": (
        f"CASE WHEN {{2}} THEN without_parentheses(<pretty>({_EXPRESSION}, {{1}})) "
        f"ELSE {_EXPRESSION} END"
    ),
    "pg_get_constraintdef/1": "<constraintdef>({0}, FALSE)",
    "pg_get_constraintdef/2": "<constraintdef>({0}, {1})",
    "pg_get_indexdef/1": "<indexdef>({0}, 0, FALSE)",
    "pg_get_indexdef/3": "<indexdef>({0}, CAST({1} AS INTEGER), {2})",
    "pg_index_has_property": "<index_property>({0}, 0, {1})",
    "pg_index_column_has_property": (
        "CASE WHEN {1} > 0 THEN <index_property>({0}, CAST({1} AS INTEGER), {2}) END"
    ),
    "pg_indexam_has_property": (
        "CASE WHEN {0} = 403 AND lower({1}) IN ('can_order', 'can_unique', 'can_multi_col', "
        "'can_exclude', 'can_include') THEN TRUE END"
    ),
    "pg_get_viewdef": "<viewdef>({0}, {1})",
    "pg_get_ruledef/1": _RULE.replace("{1}", "FALSE"),
    "pg_get_ruledef/2": _RULE,
    "pg_get_triggerdef": "CAST(NULL AS VARCHAR)",
    "pg_get_partkeydef": "CAST(NULL AS VARCHAR)",
    "pg_get_partition_constraintdef": "CAST(NULL AS VARCHAR)",
    "pg_get_statisticsobjdef": "CAST(NULL AS VARCHAR)",
    "pg_get_statisticsobjdef_columns": "CAST(NULL AS VARCHAR)",
    "pg_get_statisticsobjdef_expressions": "CAST(NULL AS VARCHAR[])",
    "pg_get_functiondef": "<functiondef>({0}, 'definition')",
    "pg_get_function_arguments": "<functiondef>({0}, 'arguments')",
    "pg_get_function_identity_arguments": "<functiondef>({0}, 'identity')",
    "pg_get_function_result": "<functiondef>({0}, 'result')",
    "pg_get_function_sqlbody": "<functiondef>({0}, 'body')",
    "pg_get_function_arg_default": "CAST(NULL AS VARCHAR)",
    "pg_get_serial_sequence": "<serial_sequence>({0}, {1})",
    "pg_describe_object": "<described>({0}, {1}, {2})",
    "obj_description/1": "<any_description>({0})",
    "obj_description/2": "<description>({0}, {1}, 0)",
    "col_description": "<column_description>({0}, {1})",
    "shobj_description": "<description>({0}, {1}, 0)",
    # Who may see it: everybody everything
    "pg_table_is_visible": "<visible_class>({0})",
    "pg_type_is_visible": "<visible_type>({0})",
    "pg_function_is_visible": "<visible_function>({0})",
    "pg_operator_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_opclass_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_opfamily_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_collation_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_conversion_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_statistics_obj_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_ts_config_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_ts_dict_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_ts_parser_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_ts_template_is_visible": "CASE WHEN {0} IS NULL THEN NULL ELSE TRUE END",
    "pg_is_other_temp_schema": "<other_temp_schema>({0})",
    "pg_my_temp_schema": "<my_temp_schema>(0)",
    "row_security_active": "FALSE",
    "makeaclitem": "gw_acl_item(@moment, {0}, {1}, {2}, {3})",
    "acldefault": "gw_acl_default(@moment, {0}, {1})",
    "pg_relation_is_publishable": "(<relkind>({0}) IN ('r', 'p') AND {0} >= 16384)",
    "pg_relation_is_updatable": "<updatable>({0})",
    "pg_column_is_updatable": "COALESCE(<column_updatable>({0}, {1}), FALSE)",
    # The server and the session
    "current_user": "@user",
    "session_user": "getvariable('session_user')",
    "current_role": "@user",
    "user": "@user",
    "current_database": "@database",
    "current_catalog": "@database",
    "current_schema": "@schema",
    "current_schemas": "CASE WHEN {0} THEN @path ELSE @visible_path END",
    "pg_backend_pid": "CAST(getvariable('pid') AS INTEGER)",
    "version": "CAST(getvariable('version') AS VARCHAR)",
    "current_setting": (
        "CASE WHEN {0} IS NOT NULL THEN COALESCE(" + _SHOWN + ", "
        "error('unrecognized configuration parameter \"' || {0} || '\"')) END"
    ),
    "current_setting/2": "CASE WHEN {1} IS NOT NULL THEN " + _SHOWN + " END",
    "pg_encoding_to_char": (
        f"CASE WHEN {{0}} < 0 THEN '' WHEN {{0}} IS NOT NULL THEN "
        f"COALESCE({_ENCODINGS}[CAST({{0}} AS INTEGER) + 1], '') END"
    ),
    "pg_char_to_encoding": (
        f"CASE WHEN {{0}} IS NOT NULL THEN COALESCE("
        f"CAST({_NUMBERS}[regexp_replace(lower({{0}}), '[^a-z0-9]', '', 'g')] AS INTEGER), -1) END"
    ),
    "getdatabaseencoding": "'UTF8'",
    "pg_client_encoding": f"replace({_CLIENT_ENCODING}, 'UNICODE', 'UTF8')",
    "pg_is_in_recovery": "FALSE",
    "pg_is_wal_replay_paused": "FALSE",
    "pg_postmaster_start_time": "CAST(getvariable('started') AS TIMESTAMPTZ)",
    "pg_conf_load_time": "CAST(getvariable('started') AS TIMESTAMPTZ)",
    "inet_server_addr": "CAST(NULL AS VARCHAR)",
    "inet_server_port": "CAST(NULL AS INTEGER)",
    "inet_client_addr": _OF_CLIENT.format("client_addr"),
    "inet_client_port": _OF_CLIENT.format("client_port"),
    "host": "split_part({0}, '/', 1)",
    "pg_tablespace_location": "CASE WHEN {0} IS NOT NULL THEN '' END",
    "pg_filenode_relation": "CAST(NULL AS BIGINT)",
    "pg_relation_filenode": "{0}",
    "pg_relation_filepath": "'base/5/' || {0}",
    "pg_table_size": f"<table_size>({{0}}) + {_measured('bytes')}",
    "pg_total_relation_size": f"<table_size>({{0}}) + {_measured('bytes')}",
    "pg_relation_size": (
        "CAST(CASE WHEN <relkind>({0}) IN ('i', 'S') THEN 8192 "
        f"WHEN <relkind>({{0}}) IS NOT NULL THEN {_measured('bytes')} END AS BIGINT)"
    ),
    "pg_indexes_size": "CAST(CASE WHEN {0} IS NULL THEN NULL ELSE 0 END AS BIGINT)",
    "pg_database_size": (
        "CASE WHEN CAST({0} AS VARCHAR) IN ('5', @database) "
        "THEN CAST(getvariable('measured_database') AS BIGINT) "
        "WHEN {0} IS NOT NULL THEN CAST(0 AS BIGINT) END"
    ),
    "pg_tablespace_size": "CAST(CASE WHEN {0} IS NULL THEN NULL ELSE 0 END AS BIGINT)",
    "pg_size_pretty": "size_pretty({0})",
    "pg_partition_ancestors": "unnest(CAST([] AS BIGINT[]))",
    "pg_partition_root": "CAST(NULL AS BIGINT)",
    "pg_sequence_last_value": "CAST(NULL AS BIGINT)",
    "pg_stat_get_db_numbackends": (
        "CAST(CASE WHEN {0} IS NOT NULL THEN "
        "len(list_filter(getvariable('activity'), lambda a: a.datid = {0})) END AS INTEGER)"
    ),
    "pg_blocking_pids": (
        "CASE WHEN {0} IS NOT NULL THEN COALESCE(CAST(list_filter(getvariable('activity'), "
        "lambda a: a.pid = {0})[1].blockers AS INTEGER[]), CAST([] AS INTEGER[])) END"
    ),
    "pg_stat_get_live_tuples": f"CASE WHEN {{0}} IS NOT NULL THEN {_measured('rows')} END",
    **{
        f"pg_stat_get_tuples_{what}": f"CASE WHEN {{0}} IS NOT NULL THEN {_measured(what)} END"
        for what in ("inserted", "updated", "deleted")
    },
    **{
        f"pg_stat_get_db_tuples_{what}": _of_database(
            f"COALESCE(list_sum(CAST(getvariable('measured_{what}') AS BIGINT[])), 0)"
        )
        for what in ("inserted", "updated", "deleted")
    },
    "pg_stat_get_db_xact_commit": _of_database("getvariable('measured_commits')"),
    "pg_stat_get_db_xact_rollback": _of_database("getvariable('measured_rollbacks')"),
    "pg_stat_get_db_deadlocks": _of_database("getvariable('measured_deadlocks')"),
    "pg_stat_get_snapshot_timestamp": "CAST(NULL AS TIMESTAMPTZ)",
    "mxid_age": "CAST(0 AS INTEGER)",
    "pg_trigger_depth": "CAST(0 AS INTEGER)",
    "pg_current_wal_lsn": "'0/0'",  # there is no log of such places
    "pg_current_wal_insert_lsn": "'0/0'",
    "pg_current_wal_flush_lsn": "'0/0'",
    "pg_last_wal_receive_lsn": "CAST(NULL AS VARCHAR)",
    "pg_last_wal_replay_lsn": "CAST(NULL AS VARCHAR)",
    "pg_last_xact_replay_timestamp": "CAST(NULL AS TIMESTAMPTZ)",
    "pg_wal_lsn_diff": "lsn_distance({0}, {1})",
    # Text
    "quote_ident": "quote_ident({0})",
    "quote_literal": "quote_literal(CAST({0} AS VARCHAR))",
    "quote_nullable": (
        "CASE WHEN {0} IS NULL THEN 'NULL' ELSE quote_literal(CAST({0} AS VARCHAR)) END"
    ),
    "parse_ident/1": "parse_ident({0}, TRUE)",
    "parse_ident/2": "parse_ident({0}, {1})",
    "nameconcatoid": "{0} || '_' || {1}",
    "lower": "lower({0})",
    "upper": "upper({0})",
    "length": "length({0})",
    "char_length": "length({0})",
    "character_length": "length({0})",
    "octet_length": "strlen({0})",
    "left": "left({0}, CAST({1} AS BIGINT))",
    "right": "right({0}, CAST({1} AS BIGINT))",
    "replace": (
        "replace({0}, {1}, room(strlen({0}) + occurrences({0}, {1}) * strlen({2}), {2}))"
    ),
    "repeat": "repeat({0}, room(CAST(strlen({0}) AS BIGINT) * {1}, {1}))",
    "reverse": "reverse({0})",
    "split_part": (
        "CASE WHEN {1} <> '' THEN split_part({0}, {1}, {2}) "
        "WHEN {2} IN (1, -1) THEN {0} WHEN {0} IS NOT NULL THEN '' END"
    ),
    "starts_with": "starts_with({0}, {1})",
    "strpos": "strpos({0}, {1})",
    "position": "strpos({0}, {1})",
    "translate": "translate({0}, {1}, {2})",
    "chr": "chr({0})",
    "ascii": "ascii({0})",
    "md5": "md5({0})",
    "lpad": "lpad({0}, room({1}, {1}), {2})",
    "lpad/2": "lpad({0}, room({1}, {1}), ' ')",
    "rpad": "rpad({0}, room({1}, {1}), {2})",
    "rpad/2": "rpad({0}, room({1}, {1}), ' ')",
    # By its first argument: that of a moment, an interval; of numbers the rest.
    "to_char(1114)": f"<moment_to_char>({_SINCE_1970}, {{1}})",
    "to_char(1184)": f"<instant_to_char>({_SINCE_1970}, {{1}}, {_ZONE})",
    "to_char(1186)": (
        "<interval_to_char>(datepart('year', {0}) * 12 + datepart('month', {0}), "
        "datepart('day', {0}), (datepart('hour', {0}) * 60 + datepart('minute', {0})) * 60000000 "
        "+ datepart('microsecond', {0}), {1})"
    ),
    "to_char": "<number_to_char>(CAST({0} AS VARCHAR), {1})",
    "btrim/1": "trim({0}, ' ')",
    "btrim": "trim({0}, {1})",
    "ltrim/1": "ltrim({0}, ' ')",
    "ltrim": "ltrim({0}, {1})",
    "rtrim/1": "rtrim({0}, ' ')",
    "rtrim": "rtrim({0}, {1})",
    "substring/3": "substring({0}, greatest({1}, 1), greatest({2} + least({1}, 1) - 1, 0))",
    "substr/3": "substring({0}, greatest({1}, 1), greatest({2} + least({1}, 1) - 1, 0))",
    "substring/2": "substring({0}, greatest({1}, 1))",
    "substr/2": "substring({0}, greatest({1}, 1))",
    "regexp_replace/3": "regexp_replace({0}, {1}, {2})",
    "regexp_replace/4": "regexp_replace({0}, {1}, {2}, {3})",
    "regexp_split_to_array": "regexp_split_to_array({0}, {1})",
    "regexp_split_to_table": "unnest(regexp_split_to_array({0}, {1}))",
    "string_to_array/2": (
        "CASE WHEN {0} = '' THEN [] WHEN {1} = '' THEN [{0}] "
        "ELSE string_split({0}, COALESCE({1}, '')) END"
    ),
    "to_hex": "lower(to_hex({0}))",
    # Numbers
    "abs": "abs({0})",
    "ceil": "ceil({0})",
    "ceiling": "ceil({0})",
    "floor": "floor({0})",
    "round(701)": "round_even({0}, 0)",
    "trunc/1": "trunc({0})",
    "mod": "({0} % {1})",
    "random": "random()",
    # Arrays
    "array_length": "CASE WHEN {1} = 1 THEN nullif(len({0}), 0) END",
    "cardinality": "len({0})",
    "array_ndims": "CASE WHEN len({0}) > 0 THEN 1 END",
    "array_to_string/2": "joined({0}, {1})",
    "array_to_string/3": (
        "joined(list_transform(CAST({0} AS VARCHAR[]), lambda v: COALESCE(v, {2})), {1})"
    ),
    "array_position/2": "list_position({0}, {1})",
    "array_fill/2": (
        "CASE WHEN len({1}) > 1 THEN error('arrays of arrays are not supported') "
        "ELSE list_transform(numbers(1, {1}[1], 1), lambda i: {0}) END"
    ),
    "array_append": "list_append({0}, {1})",
    "array_prepend": "list_prepend({0}, {1})",
    "array_cat": "list_concat({0}, {1})",
    "array_remove": "list_filter({0}, lambda v: v IS DISTINCT FROM {1})",
    "unnest": "unnest({0})",
    "generate_series/2": "unnest(numbers({0}, {1}, 1))",
    "generate_series/3": "unnest(numbers({0}, {1}, {2}))",
    # JSON
    "to_json": "to_json({0})",
    "to_jsonb": "to_json({0})",
    "row_to_json": "to_json({0})",
    "json_array_length": "json_array_length({0})",
    "array_to_json": "to_json({0})",
    "json_array_elements": "unnest(CAST(CAST(<json_items>({0}) AS JSON) AS VARCHAR[]))",
    "jsonb_array_elements": "unnest(CAST(CAST(<json_items>({0}) AS JSON) AS VARCHAR[]))",
    "json_array_elements_text": "unnest(CAST(CAST(<json_texts>({0}) AS JSON) AS VARCHAR[]))",
    "jsonb_array_elements_text": "unnest(CAST(CAST(<json_texts>({0}) AS JSON) AS VARCHAR[]))",
    # Dates
    "now": "now()",
    "current_timestamp": "now()",
    "transaction_timestamp": "now()",
    "statement_timestamp": "now()",
    "clock_timestamp": "now()",
    "date_part": "date_part({0}, {1})",
    "date_trunc/2": "date_trunc({0}, {1})",
    "age/1": "age({0})",
    "age/2": "age({0}, {1})",
    # Aggregates and windows
    "count": "count({all})",
    "count/0": "count(*)",
    "min": "min({0})",
    "max": "max({0})",
    "sum": "sum({0})",
    "bool_and": "bool_and({0})",
    "bool_or": "bool_or({0})",
    "every": "bool_and({0})",
    "array_agg": "list({0})",
    "string_agg": "string_agg({0}, {1})",
    "json_agg": "json_text(list({0}))",
    "jsonb_agg": "<jsonb>(json_text(list({0})))",
    "json_object_agg": (
        "('{{ ' || string_agg(CAST(to_json(CAST({0} AS VARCHAR)) AS VARCHAR) || ' : ' || {1}, "
        "', ') || ' }}')"
    ),
    "jsonb_object_agg": (
        "<jsonb>('{{' || string_agg(CAST(to_json(CAST({0} AS VARCHAR)) AS VARCHAR) || ':' || {1}, "
        "',') || '}}')"
    ),
    "row_number": "row_number()",
    "rank": "rank()",
    "dense_rank": "dense_rank()",
    "percent_rank": "percent_rank()",
    "ntile": "ntile({0})",
    "lag": "lag({all})",
    "lead": "lead({all})",
    "first_value": "first_value({0})",
    "last_value": "last_value({0})",
    # information_schema's own
    "_pg_char_max_length": (
        "CASE WHEN {1} = -1 THEN NULL WHEN {0} IN (1042, 1043) THEN {1} - 4 "
        "WHEN {0} IN (1560, 1562) THEN {1} END"
    ),
    "_pg_char_octet_length": (
        "CASE WHEN {0} IN (25, 1042, 1043) THEN CASE WHEN {1} = -1 THEN 1073741824 "
        "ELSE least(({1} - 4) * 4, 1073741824) END END"
    ),
    "_pg_numeric_precision": (
        "CASE {0} WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 1700 THEN CASE "
        "WHEN {1} = -1 THEN NULL ELSE (({1} - 4) >> 16) & 65535 END "
        "WHEN 700 THEN 24 WHEN 701 THEN 53 END"
    ),
    "_pg_numeric_precision_radix": (
        "CASE WHEN {0} IN (21, 23, 20, 700, 701) THEN 2 WHEN {0} = 1700 THEN 10 END"
    ),
    "_pg_numeric_scale": (
        "CASE WHEN {0} IN (21, 23, 20) THEN 0 WHEN {0} = 1700 THEN CASE WHEN {1} = -1 THEN NULL "
        "ELSE ({1} - 4) & 65535 END END"
    ),
    "_pg_datetime_precision": (
        "CASE WHEN {0} = 1082 THEN 0 WHEN {0} IN (1083, 1114, 1184, 1266) THEN CASE WHEN {1} < 0 "
        "THEN 6 ELSE {1} END WHEN {0} = 1186 THEN CASE WHEN {1} < 0 OR ({1} & 65535) = 65535 "
        "THEN 6 ELSE {1} & 65535 END END"
    ),
    "_pg_interval_type": "CAST(NULL AS VARCHAR)",
    "_pg_index_position": "<index_position>({0}, {1})",
}  # fmt: skip

# pg_stat_get_*: counters of what this server does not count.
COUNTERS = "pg_stat_get_"

# What stands for one of these words in a template.
WORDS = ("@user", "@database", "@schema", "@path", "@visible_path", "@moment")

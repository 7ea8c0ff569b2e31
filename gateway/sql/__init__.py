"""PostgreSQL's language: text to trees, what they mean, and the engine's text out of them.

`sql.text` reads and prints, `sql.inputs` reads the texts of values. `sql.statements.reading` tells
statements apart. `sql.names` and `sql.meaning.analysis.analyse` find what each name of a query is,
`sql.types.inference.Types` of which type each expression. `sql.writes.writes.as_write` makes a
query and a change of a write. `sql.lowered` puts what the engine has in the place of what it lacks,
last of all `sql.lowered.printing.to_engine`. In which order all this is done to a query, and what
of it a query needs, `rewrite.passes` says.
"""

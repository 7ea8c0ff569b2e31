"""The derivative of an expression, or of a whole query, as SQL; nothing is run here.

From `grad(f, x)` in a tree to the text in its place:

1. `autodiff.statements.markers.expand` takes the markers grad, jvp and vjp, innermost query first;
2. `autodiff.expressions.reading.read` makes nodes of `f`, equal parts one node
   (`autodiff.rules.graph.Graph`); what has no rule is a leaf that remembers why;
3. `autodiff.statements.relations.ChainRule` follows columns through subqueries, WITH and views to
   what they were computed from;
4. `autodiff.statements.gradients.Gradients` asks `autodiff.modes.linearize.Forward` or
   `autodiff.modes.transpose.transpose`, which build the derivative from the rules of
   `autodiff.rules.functions`, folded by `autodiff.rules.simplify`;
5. `autodiff.modes.nulls.Nulls` keeps it NULL where `f` is;
6. `autodiff.expressions.printing.write` makes SQL of it; what is large is laid over sub-selects
   (`autodiff.modes.tape.plan_tape`, `autodiff.statements.hoist.hoist`).

A marker that names a query, `grad(q, v)`, goes by `autodiff.relational.pullback.pull_back`: what
each row counts in the query's one number, in a reverse sweep through its joins and groups.
A tangent or cotangent that is a relation is gone before: of jvp,
`autodiff.relational.directions.push_forward` makes a slope by how far the rows of a table move; of
vjp, `autodiff.relational.paired.pair_queries` a gradient.
"""

"""What PostgreSQL has and the engine lacks, in the engine's words.

Most of it are passes over a query whose types are known (`rewrite.passes.PASSES` calls them): one
module for each thing that the engine does otherwise, by what it is about: `values`, `relations`,
`groups`. What needs no types is a row of `sql.lowered.lowering.LOWERINGS`, done as the tree is
printed (`sql.lowered.printing.to_engine`).
"""

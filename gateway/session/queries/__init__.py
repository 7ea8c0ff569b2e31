"""Queries, run: what of one is known, what a grid is spared, where its rows come from."""

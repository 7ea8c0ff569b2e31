"""Rows: values taken in, deltas applied, snapshots handed out."""

"""Moments, locks and commits."""

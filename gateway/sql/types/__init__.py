"""Which types expressions, calls and parameters have."""

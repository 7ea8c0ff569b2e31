"""The fields of parameters as Arrow values."""

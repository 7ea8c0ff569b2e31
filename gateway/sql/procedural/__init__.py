"""Blocks of PL/pgSQL, which DO runs: their text read as steps, the conditions that they catch."""

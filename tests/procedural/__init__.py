"""Blocks of PL/pgSQL, which DO runs."""

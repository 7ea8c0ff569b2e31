"""DO: blocks of PL/pgSQL, run step by step by the session."""

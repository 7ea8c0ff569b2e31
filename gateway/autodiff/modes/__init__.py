"""Forward and reverse mode, where they are NULL, and what is computed once."""

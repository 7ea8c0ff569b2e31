"""Where the markers stand in a statement, and what it means there to differentiate."""

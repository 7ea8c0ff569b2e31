"""What there is, made, changed and dropped."""

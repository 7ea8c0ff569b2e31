"""SET, SHOW and RESET."""

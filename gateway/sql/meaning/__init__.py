"""What names, types and calls mean."""

"""What names mean: relations, columns, views."""

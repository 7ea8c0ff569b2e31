"""xarray datasets as tables."""

"""From a path or URL to a dataset."""

"""One client: its statements from text to result, its settings, portals and transaction."""

"""What the server tells whoever runs it: log lines, and totals of what was done."""

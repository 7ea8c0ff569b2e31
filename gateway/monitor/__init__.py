"""What a server tells whoever watches it from outside: /metrics and /healthz."""

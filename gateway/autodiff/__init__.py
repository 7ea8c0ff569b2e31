"""Differentiation: rules, forward and reverse mode, the markers grad, jvp and vjp."""

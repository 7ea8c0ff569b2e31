"""What is known of functions: partial derivatives as rows, over expressions as a graph."""

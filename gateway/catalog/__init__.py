"""Names, and the tables behind them."""

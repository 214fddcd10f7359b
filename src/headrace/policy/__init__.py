"""Who may do what: keys and the people behind them, and the decisions of the policies."""

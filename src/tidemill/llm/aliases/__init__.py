"""Aliases: the names that clients ask for, and the deployments behind them."""

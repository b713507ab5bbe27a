"""Alerts: what is wrong now (from the ledger and the machine), told once to people, and told again when it is over."""

"""Explains a determination to a family: outcome, reasons, what counts and what does not, and what to do (docs/explain.md)."""

"""Backfills: past stages for a region, by a reviewed plan that says beforehand what will run, stay or wait, and why."""

"""Is a region ready for a stage, and what will happen to its families: for the people who bring a region in."""

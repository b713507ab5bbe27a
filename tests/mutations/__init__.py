"""One-line mutations of the rules and models, each of which a case or the referee must notice."""

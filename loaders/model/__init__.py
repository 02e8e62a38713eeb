"""The model: what a team declares of its tables, checked and frozen. No I/O and no GraphQL types."""

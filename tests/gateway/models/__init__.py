"""A model of one's own over HTTP."""

"""Authentication: the viewer of a request, by its credential, and what the viewer may read."""

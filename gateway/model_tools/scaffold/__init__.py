"""Writing a model package from catalogs of databases and an author's choices."""

"""Tools for a model's author: from a model and catalogs of its databases to findings, files and text."""

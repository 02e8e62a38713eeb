"""Statements of a model: from uses of sections to SQL of either store, with tenant, keys and period in every table."""

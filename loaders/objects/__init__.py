"""Loading of objects by their keys: few statements for all that is asked in one tick, by way of the cache."""

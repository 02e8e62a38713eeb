"""Keys to records: models, the statements that answer them, loading through a cache, and the stores."""

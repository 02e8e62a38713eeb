"""GraphQL to loaders: the types of a model's schema, what an operation selects and costs, and how it is loaded."""

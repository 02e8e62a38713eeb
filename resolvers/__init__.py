"""GraphQL to loaders: the types of the schema and thin resolvers, one module a subject."""

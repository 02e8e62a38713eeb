"""HTTP to GraphQL: the application, its settings and its command line."""

"""GraphQL over HTTP: what of a request, and of its answer, HTTP knows."""

"""The proof of the executor: its answers are graphql-core's."""

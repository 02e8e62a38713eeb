"""Execute operations with graphql-core, and complete lists and objects column by column where that is equivalent.

`executor` hooks into graphql-core, `completer` compiles selections into functions, `codegen` generates their inner
loops, and `json_chunks` encodes the result. graphql-core completes everything that might come out differently.
"""

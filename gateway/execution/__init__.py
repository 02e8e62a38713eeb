"""Execution: graphql-core's executor, with whole selections of lists completed column by column.

`executor` hooks into graphql-core, `plan` decides what can be completed by columns, `rows` generates the inner loops,
`pieces` encodes what comes out.
Whatever is not certain to come out as graphql-core would have it is left to graphql-core.
"""

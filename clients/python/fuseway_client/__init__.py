"""A client of the Fuseway gateway's GraphQL API, for threads and for asyncio."""

from fuseway_client.client import AsyncClient, Client
from fuseway_client.errors import ErrorDetail, GatewayError, GraphQLErrors, ResponseError, TransportError
from fuseway_client.operations import Operation, Result
from fuseway_client.options import Options

__all__ = [
    "AsyncClient",
    "Client",
    "ErrorDetail",
    "GatewayError",
    "GraphQLErrors",
    "Operation",
    "Options",
    "ResponseError",
    "Result",
    "TransportError",
]

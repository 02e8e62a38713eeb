"""A client of the fleet gateway's GraphQL API, for threads and for asyncio."""

from fleet_gateway_client.client import AsyncClient, Client
from fleet_gateway_client.errors import ErrorDetail, GatewayError, GraphQLErrors, ResponseError, TransportError
from fleet_gateway_client.operations import Operation, Result
from fleet_gateway_client.options import Options

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

"""The endpoints that are measured: the floor, stock Strawberry and the gateway, each served by a process of its own."""

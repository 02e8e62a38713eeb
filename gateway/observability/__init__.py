"""What operators see of the gateway: what each request was, and metrics."""

"""Metrics, logs, traces and status pages of the gateway, for its operators."""

"""Deployment of the gateway: embedded engines, sample models, and configuration of reverse proxies."""

SAMPLE_MODEL = "deploy.fleet.model"
"""The model that `gateway run` serves where no other is named."""

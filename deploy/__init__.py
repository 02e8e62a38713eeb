"""What stands beside the gateway: embedded engines, sample models, and configuration of what is in front of it."""

SAMPLE_MODEL = "deploy.fleet.model"
"""The model that `gateway run` serves where no other is named."""

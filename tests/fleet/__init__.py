"""The sample fleet, served by its model."""

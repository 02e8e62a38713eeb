"""A second sample: product analytics for several tenants."""

"""The stores: one client a database, each with the one way in that loaders use, and one tree of errors."""

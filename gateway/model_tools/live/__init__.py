"""Checks of a model's statements by its databases, none of which is executed."""

"""Admission: decide which requests are executed now, which wait, and which are refused at once."""

"""Store URLs: parsed, checked against a table of options, and handed to drivers as decoded parts."""

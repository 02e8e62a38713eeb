"""The probe: a client of the gateway that asks on a schedule, checks the answers, and says openly how it goes."""

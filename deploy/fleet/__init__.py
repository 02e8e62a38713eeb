"""The sample fleet as a model: every flight that left New York in 2013, and the aircraft that flew them."""

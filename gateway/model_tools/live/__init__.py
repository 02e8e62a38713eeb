"""What a model's databases make of its statements, none of which is executed."""

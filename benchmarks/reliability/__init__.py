"""What faults cost, as one table: 0.1.0, the goal, and today."""

"""Keys to records: the catalogue of sections, the planner that fuses them, the dataloaders, and the stores."""

"""Authentication: who asks, by which credential, and what they may read."""

"""A run while it works: live view and timeline."""

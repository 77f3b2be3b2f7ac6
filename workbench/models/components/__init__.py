"""The components, one file a slot."""

"""Pictures of models: what is in them, where it stands, and how it is written."""

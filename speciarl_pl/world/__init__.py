"""The built-in world: drawn images, their names, and a tiny base model."""

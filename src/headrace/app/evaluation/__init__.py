"""What a company measures of its own services, and the mode that a deployment earns by it."""

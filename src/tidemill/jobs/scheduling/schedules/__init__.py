"""When and after what scripts run: definitions, and the instants that follow from them."""

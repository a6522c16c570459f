"""What imported items bring along, written beside them."""

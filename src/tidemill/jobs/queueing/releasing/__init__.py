"""Lets jobs go on whose limits allow it by now, and ends those that waited for too long."""

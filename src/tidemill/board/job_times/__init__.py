"""Job times: whether the time that jobs run is booked on the items that they run for."""

"""Job times: the time of jobs, booked on the items that they ran for."""

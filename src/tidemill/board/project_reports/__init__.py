"""Project reports: velocity, cumulative flow, cycle and lead times, a forecast."""

"""The numbered log of each tenant's facts."""

"""Workers as the queue knows them: registrations and leases."""

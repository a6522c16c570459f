DROP TABLE parked_facts;
DROP TABLE follower_leases;

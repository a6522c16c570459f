DROP TABLE guest_links;

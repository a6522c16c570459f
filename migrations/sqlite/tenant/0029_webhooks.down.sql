DELETE FROM followers WHERE name = 'automation.webhooks';
DROP TABLE webhook_deliveries;
DROP TABLE webhook_leases;
DROP TABLE webhook_secrets;
DROP TABLE webhooks;

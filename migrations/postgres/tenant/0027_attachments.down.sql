DROP TABLE attachments;
DROP TABLE blob_totals;
DROP TABLE blobs;

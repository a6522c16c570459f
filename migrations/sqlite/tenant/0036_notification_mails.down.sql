DROP TABLE notification_mail_keys;
DROP TABLE notification_mail_events;
DROP TABLE notification_mails;

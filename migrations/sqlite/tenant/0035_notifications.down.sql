DELETE FROM followers WHERE name = 'board.notifications';
DROP TABLE notification_mutes;
DROP TABLE notification_preferences;
DROP TABLE notification_profiles;
DROP TABLE notification_events;
DROP TABLE notifications;

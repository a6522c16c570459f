DROP INDEX idx_activities_version;
DELETE FROM followers WHERE name = 'board.handles';
DROP TABLE handles;
DROP TABLE comment_reactions;
DROP TABLE comment_revisions;
DROP TABLE comments;

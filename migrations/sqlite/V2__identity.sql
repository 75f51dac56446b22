-- Which catalog this is. A folder of files says of which one it is, so that no other takes them for nobody's.
CREATE TABLE identity (
    only_one INTEGER NOT NULL PRIMARY KEY CHECK (only_one = 1),
    id       BLOB NOT NULL
) STRICT;

INSERT INTO identity VALUES (1, randomblob(16));

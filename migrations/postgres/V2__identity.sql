-- Which catalog this is. A folder of files says of which one it is, so that no other takes them for nobody's.
CREATE TABLE identity (
    only_one boolean PRIMARY KEY CHECK (only_one),
    id       uuid NOT NULL
);

-- gen_random_uuid() is not in every PostgreSQL.
INSERT INTO identity VALUES (true, md5(random()::text || random()::text || clock_timestamp()::text)::uuid);

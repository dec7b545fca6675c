-- Deterministic rows: 50,000 users, about 500,000 follows, 100,000 albums, 1,000,000 photos.
--
-- Every value is arithmetic on ids (no clock, no random()), so two builds hold the same rows.
-- Times count back from a fixed epoch, 2026-10-01 UTC: recent to the eye, and older than
-- anything that customers write, so new photos always sort before seeded ones.
--
-- Popularity is skewed towards low ids: user 1 owns about 4,500 photos, the median user 14,
-- the last one 10; followees follow the same curve. Load that prefers low ids meets busy users.

\set ON_ERROR_STOP on
\set epoch '''2026-10-01 00:00:00+00''::timestamptz'

-- Foreign keys hold by construction here (test_postgres_seed.py checks them); checking row by row
-- would double the build.
SET session_replication_role = replica;

-- A uniform number in [0, 1) from an id and a stream.
CREATE FUNCTION pg_temp.u(id bigint, stream bigint) RETURNS float8 IMMUTABLE LANGUAGE sql
    RETURN (hashint8extended(id, stream) & 9007199254740991)::float8 / 9007199254740992;
-- A user id, skewed towards low ids.
CREATE FUNCTION pg_temp.skewed_user(id bigint, stream bigint) RETURNS int IMMUTABLE LANGUAGE sql
    RETURN 1 + floor(50000 * pg_temp.u(id, stream) ^ 2)::int;

-- Building an index after its rows is faster and leaves it dense.
CREATE TEMP TABLE secondary AS
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND indexname LIKE '%\_idx';
SELECT format('DROP INDEX %I', indexname) FROM secondary \gexec

INSERT INTO users (id, handle, name, created_at)
SELECT i,
       lower((ARRAY['Ada', 'Bo', 'Chidi', 'Dana', 'Emre', 'Fen', 'Grace', 'Hugo', 'Ines', 'Jun'])[1 + i % 10]) || i,
       (ARRAY['Ada', 'Bo', 'Chidi', 'Dana', 'Emre', 'Fen', 'Grace', 'Hugo', 'Ines', 'Jun'])[1 + i % 10] || ' '
       || (ARRAY['Abbot', 'Bauer', 'Costa', 'Diallo', 'Endo', 'Fischer', 'Garcia', 'Haddad', 'Ito'])[1 + i % 9],
       :epoch - interval '4 years' + i * interval '1 minute'
FROM generate_series(1, 50000) AS i;

-- Between 5 and 15 draws a user; a draw that repeats or hits oneself is dropped.
INSERT INTO follows (follower_id, followee_id)
SELECT DISTINCT i, followee
FROM generate_series(1, 50000) AS i,
     LATERAL generate_series(1, 5 + i % 11) AS n,
     LATERAL (SELECT pg_temp.skewed_user(i * 16 + n, 11) AS followee)
WHERE followee <> i
ORDER BY 1, 2;

-- Albums 2u-1 and 2u belong to user u, so a photo's album is its owner's by construction.
INSERT INTO albums (id, user_id, title, created_at)
SELECT i, (i + 1) / 2,
       (ARRAY['Holidays', 'Street', 'Family', 'Film', 'Mountains', 'Night', 'Food', 'Portraits'])[1 + i % 8],
       :epoch - interval '3 years' + i * interval '5 minutes'
FROM generate_series(1, 100000) AS i;

-- One photo a minute, the newest at the epoch. 60 % are in an album; 6 % are liked.
INSERT INTO photos (id, user_id, album_id, title, status, width, height, bytes, checksum, likes,
                    created_at, published_at)
SELECT i, owner,
       CASE WHEN pg_temp.u(i, 22) < 0.6 THEN 2 * owner - (i % 2) END,
       (ARRAY['Harbour', 'Rain', 'Window', 'Crossing', 'Dunes', 'Kitchen', 'Platform 4', 'Ridge'])[1 + i % 8] || ' ' || i % 997,
       CASE WHEN i % 1000 = 0 THEN 'rejected' WHEN i % 2500 = 1 THEN 'failed' ELSE 'ready' END,
       4032, 3024, 1500000 + (i * 7919) % 3000000,
       md5(i::text),
       CASE WHEN pg_temp.u(i, 23) < 0.06 THEN 1 + floor(8 * pg_temp.u(i, 24) ^ 3)::int ELSE 0 END,
       taken,
       CASE WHEN i % 1000 <> 0 AND i % 2500 <> 1 THEN taken + interval '3 seconds' END
FROM generate_series(1, 1000000::bigint) AS i,
     LATERAL (SELECT pg_temp.skewed_user(i, 21) AS owner,
                     :epoch - (1000000 - i) * interval '1 minute' AS taken);

-- As many distinct users as the counter says: 7919 and 50,000 share no factor, so k steps never meet.
INSERT INTO likes (photo_id, user_id, created_at)
SELECT p.id, 1 + (p.id * 31 + k * 7919) % 50000, p.created_at + k * interval '1 hour'
FROM photos AS p, LATERAL generate_series(1, p.likes) AS k
ORDER BY 1, 2;

SELECT indexdef FROM secondary \gexec

SELECT setval(pg_get_serial_sequence('albums', 'id'), 100000),
       setval(pg_get_serial_sequence('photos', 'id'), 1000000);

RESET session_replication_role;
-- Frozen and analyzed here, so that no first visitor and no autovacuum pays for it.
VACUUM (FREEZE, ANALYZE);
CHECKPOINT;

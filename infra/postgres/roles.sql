-- Roles of the cluster and what each may do in "darkroom". Run after schema.sql, in that database.
--
-- No password is set here: a role without one cannot log in over the network, and the
-- entrypoint sets passwords from /run/secrets at each start.

CREATE ROLE darkroom LOGIN;
CREATE ROLE replicator LOGIN REPLICATION;
CREATE ROLE monitor LOGIN;

-- Monitoring has to see a server whose connections are used up: it may take the reserved ones.
GRANT pg_monitor, pg_read_all_stats, pg_use_reserved_connections TO monitor;

-- The replica asks which WAL is still there.
GRANT pg_monitor TO replicator;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON users, follows, albums, photos, likes, idempotency_keys, jobs, notifications TO darkroom;
GRANT SELECT ON heartbeat TO darkroom, monitor;
GRANT UPDATE ON heartbeat TO monitor;

-- A client gives up after 5 s, so work beyond that has no reader; Darkroom itself asks for less.
ALTER ROLE darkroom SET statement_timeout = '5s';
-- Below Darkroom's statement_timeout, so that the error names the lock instead of "too slow"; well
-- above what any lock of the application itself is held for (milliseconds).
ALTER ROLE darkroom SET lock_timeout = '2s';
-- A transaction left open holds locks and keeps vacuum back; no transaction of ours pauses for long.
ALTER ROLE darkroom SET idle_in_transaction_session_timeout = '10s';

ALTER ROLE monitor SET statement_timeout = '5s';
ALTER ROLE monitor SET lock_timeout = '1s';
-- What monitoring runs every second would drown the statements that it is there to show.
ALTER ROLE monitor SET "pg_stat_statements.track" = 'none';
ALTER ROLE monitor SET log_min_duration_statement = -1;
ALTER ROLE monitor SET "auto_explain.log_min_duration" = -1;

-- Everything about one server in one round trip: rows of (metric, first label, second label, value).
-- $1: how many statements. A null value means "not known here" and is left out.

SELECT 'pg_replication_is_replica' AS metric, '' AS label1, '' AS label2,
       pg_is_in_recovery()::int::float8 AS value
UNION ALL
SELECT 'pg_settings_max_connections', '', '', current_setting('max_connections')::float8
UNION ALL
SELECT 'pg_database_size_bytes', current_database(), '',
       pg_database_size(current_database())::float8

-- Clients only: monitoring's own connections would be part of what they measure.
UNION ALL
SELECT 'pg_stat_activity_count', current_database(), states.state, count(a.pid)::float8
FROM unnest(ARRAY['active', 'idle', 'idle in transaction', 'idle in transaction (aborted)'])
         AS states (state)
     LEFT JOIN pg_stat_activity AS a
         ON a.state = states.state AND a.datname = current_database() AND a.usename <> 'monitor'
GROUP BY states.state
UNION ALL
SELECT 'pg_stat_activity_max_tx_duration', current_database(), states.state,
       coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::float8
FROM unnest(ARRAY['active', 'idle in transaction', 'idle in transaction (aborted)'])
         AS states (state)
     LEFT JOIN pg_stat_activity AS a
         ON a.state = states.state AND a.datname = current_database() AND a.usename <> 'monitor'
GROUP BY states.state
UNION ALL
SELECT 'pg_locks_waiting', '', '', count(*)::float8 FROM pg_locks WHERE NOT granted

UNION ALL
SELECT counter.metric, datname, '', counter.value::float8
FROM pg_stat_database,
     LATERAL (VALUES ('pg_stat_database_xact_commit', xact_commit),
                     ('pg_stat_database_xact_rollback', xact_rollback),
                     ('pg_stat_database_blks_hit', blks_hit),
                     ('pg_stat_database_blks_read', blks_read),
                     ('pg_stat_database_deadlocks', deadlocks),
                     ('pg_stat_database_temp_bytes', temp_bytes)) AS counter (metric, value)
WHERE datname = current_database()

UNION ALL
SELECT counter.metric, relname, '', counter.value::float8
FROM pg_class,
     LATERAL (VALUES ('pg_stat_user_tables_seq_scan', pg_stat_get_numscans(oid)),
                     ('pg_stat_user_tables_seq_tup_read', pg_stat_get_tuples_returned(oid)),
                     ('pg_stat_user_tables_n_dead_tup',
                      pg_stat_get_dead_tuples(oid))) AS counter (metric, value)
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace

UNION ALL
SELECT 'pg_stat_user_indexes_idx_scan', t.relname, i.relname,
       pg_stat_get_numscans(x.indexrelid)::float8
FROM pg_index AS x
     JOIN pg_class AS t ON t.oid = x.indrelid
     JOIN pg_class AS i ON i.oid = x.indexrelid
WHERE t.relnamespace = 'public'::regnamespace

-- Top-level false: texts stay on disk; see the exporter for how labels come about.
UNION ALL
SELECT counter.metric, queryid::text, '', counter.value
FROM (SELECT queryid, sum(calls)::float8 AS calls, sum(total_exec_time) / 1000 AS seconds,
             sum(rows)::float8 AS total
      FROM pg_stat_statements(false) AS s
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      GROUP BY queryid
      ORDER BY sum(total_exec_time) DESC
      LIMIT $1) AS top,
     LATERAL (VALUES ('pg_stat_statements_calls_total', calls),
                     ('pg_stat_statements_seconds_total', seconds),
                     ('pg_stat_statements_rows_total', total)) AS counter (metric, value)

-- Replication, as each side sees it. On the primary: what the replica has replayed while it is connected,
-- else what its slot says it has safely received, which stands still when the link is cut.
UNION ALL
SELECT 'pg_replication_lag_bytes', '', '',
       CASE WHEN NOT pg_is_in_recovery() THEN
           greatest(0, pg_wal_lsn_diff(
               pg_current_wal_lsn(),
               coalesce((SELECT min(replay_lsn) FROM pg_stat_replication
                         WHERE application_name = 'replica'),
                        (SELECT min(restart_lsn) FROM pg_replication_slots
                         WHERE slot_name = 'replica'))))
       END::float8
UNION ALL
SELECT 'pg_replication_replay_backlog_bytes', '', '',
       CASE WHEN pg_is_in_recovery() THEN
           greatest(0, pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()))
       END::float8
UNION ALL
SELECT 'pg_replication_streaming', '', '',
       CASE WHEN pg_is_in_recovery()
            THEN (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming')
            ELSE (SELECT count(*) FROM pg_stat_replication
                  WHERE state = 'streaming' AND application_name = 'replica')
       END::float8
UNION ALL
SELECT 'pg_heartbeat_age_seconds', '', '',
       extract(epoch FROM clock_timestamp() - nullif(at, 'epoch'))::float8
FROM heartbeat

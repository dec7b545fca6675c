-- The replicas behind this balancer, and when one of them gets no requests.
-- Take up a change with: docker compose exec nginx nginx -s reload
return {
  -- "name:port". Names are looked up afresh every `active.interval`, so a replica may come
  -- back with another address, and one that does not resolve is simply down.
  peers = { "api-1:8000", "api-2:8000", "api-3:8000" },

  -- More replicas, as many as the name has addresses just now; none is fine, too. They are
  -- looked up every `active.interval`: docker compose up -d --scale api=2 api
  -- Each is called after its address (api@10.0.0.7), joins when it is ready, and leaves when
  -- the name has its address no more.
  scaled = { "api:8000" },

  -- Passive checks: what customers' own requests tell. A connection error, a time-out or one of
  -- the statuses below is a failure (the same list as proxy_next_upstream in proxy.conf);
  -- `max_fails` of them within `fail_timeout` seconds, and the replica gets no requests for
  -- `fail_timeout` seconds. Then it is on probation: one more failure and it is out again.
  -- max_fails = 0 turns passive checks off.
  passive = {
    max_fails = 5,
    fail_timeout = 10,
    statuses = { 502, 503, 504 },
  },

  -- Active checks: GET `path` every `interval` seconds, with `timeout` seconds for the whole
  -- of it. 200 is good; `fall` bad ones in a row and the replica is down, `rise` good ones in
  -- a row and it is up again.
  active = {
    enabled = true,
    path = "/ready",
    interval = 1,
    timeout = 1,
    rise = 2,
    fall = 3,
  },

  -- What to do with a request when every replica is down:
  --   "try_all"    use them all as if they were up. If every replica fails its checks at once,
  --                the cause is usually something they share (the database), and answers that
  --                need nothing of it, such as those from the cache, can still be given.
  --   "fail_fast"  answer 503 at once.
  when_all_down = "try_all",
}

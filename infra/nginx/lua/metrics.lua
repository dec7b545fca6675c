-- Counters and histograms of requests, and their Prometheus text. A request costs a few
-- increments: a histogram's buckets are counted apart here and summed up at the scrape.

local balancer = require "balancer"
local config = require "config"
local peers = require "peers"

local counts = ngx.shared.metrics
local metrics = {}

local CLASSES = { [2] = "2xx", [3] = "3xx", [4] = "4xx", [5] = "5xx" }   -- by first digit
local STATES = { "active", "reading", "writing", "waiting" }
-- Upper bounds in seconds; nginx's clock counts milliseconds.
local BOUNDS = {
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4,
  5, 6, 7.5, 10, 15, 30,
}

-- Keys into the dictionary, built once and not for each request. `subject` is whom the counts
-- are about: "" for nginx as a whole, else a peer's name.
local function make_keys(subject)
  local keys = { class = {}, bucket = {}, sum = "sum:" .. subject }
  for digit, class in pairs(CLASSES) do
    keys.class[digit] = "class:" .. class .. ":" .. subject
  end
  for i = 1, #BOUNDS + 1 do
    keys.bucket[i] = "bucket:" .. i .. ":" .. subject
  end
  return keys
end

local front = make_keys("")
local by_peer = setmetatable({}, {
  __index = function(cache, name)
    cache[name] = make_keys(name)
    return cache[name]
  end,
})

local function count(keys, status, seconds)
  -- No other class is final; nginx writes 000 for a request that it gave up unread.
  counts:incr(keys.class[math.floor(status / 100)] or keys.class[4], 1, 0)
  if not seconds then
    return
  end
  local i = 1
  while BOUNDS[i] and seconds > BOUNDS[i] do
    i = i + 1
  end
  counts:incr(keys.bucket[i], 1, 0)
  counts:incr(keys.sum, seconds, 0)
end

-- Counts every try of the request, and tells the passive checks of those that failed: a peer that
-- is well and has refused for being busy has not (lua/balancer.lua).
-- nginx gives the tries' statuses and times as lists ("502, 200"); "-" is no answer.
local function record_tries(names, options)
  local at = 0
  local statuses = ngx.var.upstream_status:gmatch("[%d-]+")
  local times = ngx.var.upstream_response_time:gmatch("[%d.-]+")
  for name in names:gmatch("[^, ]+") do
    -- No status: the client went away before the peer answered (499).
    local status, seconds = tonumber(statuses()) or 499, tonumber(times())
    count(by_peer[name], status, not options.untimed and seconds or nil)
    at = at + 1
    if config.passive.failing[status] and not balancer.refused(at) then
      peers.record_failure(name, "status " .. status)
    end
  end
end

-- For the log phase of each request. options.untimed: not to be counted as latency.
function metrics.record(options)
  options = options or {}
  count(front, ngx.status, not options.untimed and tonumber(ngx.var.request_time) or nil)
  local names = ngx.var.upstream_names
  if names ~= "" then
    balancer.let_go(names)
    record_tries(names, options)
  end
end

local function write(out, text, ...)
  out[#out + 1] = string.format(text, ...)
end

local function head(out, name, kind, help)
  write(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
end

local function write_counter(out, name, label, keys)
  for digit = 2, 5 do
    write(out, "%s{%sclass=\"%s\"} %d\n", name, label, CLASSES[digit],
      counts:get(keys.class[digit]) or 0)
  end
end

local function write_histogram(out, name, label, keys)
  local total = 0
  for i, bound in ipairs(BOUNDS) do
    total = total + (counts:get(keys.bucket[i]) or 0)
    write(out, "%s_bucket{%sle=\"%s\"} %d\n", name, label, bound, total)
  end
  total = total + (counts:get(keys.bucket[#BOUNDS + 1]) or 0)
  write(out, "%s_bucket{%sle=\"+Inf\"} %d\n", name, label, total)
  local braces = label == "" and "" or "{" .. label:sub(1, -2) .. "}"
  write(out, "%s_sum%s %.3f\n", name, braces, counts:get(keys.sum) or 0)
  write(out, "%s_count%s %d\n", name, braces, total)
end

local function write_state(out, name, help, is_up)
  head(out, name, "gauge", help)
  for _, peer in ipairs(peers.all()) do
    write(out, "%s{upstream=\"%s\"} %d\n", name, peer.name, is_up(peer.name) and 1 or 0)
  end
end

-- For the content phase of GET /metrics.
function metrics.expose()
  local out = {}
  head(out, "nginx_requests_total", "counter", "Requests answered, by class of status.")
  write_counter(out, "nginx_requests_total", "", front)
  head(out, "nginx_request_seconds", "histogram",
    "From a request's first byte to the answer's last, event streams left out.")
  write_histogram(out, "nginx_request_seconds", "", front)
  head(out, "nginx_upstream_requests_total", "counter",
    "Tries sent to an upstream, by class of status; a client that left counts as 4xx.")
  for _, peer in ipairs(peers.all()) do
    local label = "upstream=\"" .. peer.name .. "\","
    write_counter(out, "nginx_upstream_requests_total", label, by_peer[peer.name])
  end
  head(out, "nginx_upstream_seconds", "histogram", "Time of each try, event streams left out.")
  for _, peer in ipairs(peers.all()) do
    local label = "upstream=\"" .. peer.name .. "\","
    write_histogram(out, "nginx_upstream_seconds", label, by_peer[peer.name])
  end
  write_state(out, "nginx_upstream_up", "1 when it is in rotation.", peers.is_up)
  write_state(out, "nginx_upstream_active_up", "1 when the active checks think well of it.",
    peers.is_active_up)
  write_state(out, "nginx_upstream_passive_up", "1 when the passive checks think well of it.",
    peers.is_passive_up)
  head(out, "nginx_connections", "gauge", "Clients' connections.")
  for _, state in ipairs(STATES) do
    write(out, "nginx_connections{state=\"%s\"} %s\n", state, ngx.var["connections_" .. state])
  end
  ngx.header["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
  ngx.print(out)
end

return metrics

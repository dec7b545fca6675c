-- The operator's /etc/nginx/upstreams.lua, read and checked. A mistake raises: a start fails, a
-- reload changes nothing, and the log says why (`nginx -t` does not run Lua and sees nothing).

local FILE = "/etc/nginx/upstreams.lua"

local function check(condition, message)
  if not condition then
    error(FILE .. ": " .. message, 0)
  end
end

local function check_number(section, key, least)
  local value = section[key]
  check(type(value) == "number" and value >= least,
    key .. " must be a number, at least " .. least .. ", not " .. tostring(value))
end

local seen = {}

local function parse_peers(entries)
  local peers = {}
  for _, entry in ipairs(entries) do
    local name, port = tostring(entry):match("^([%w._-]+):(%d+)$")
    check(name, "\"" .. tostring(entry) .. "\" is not \"name:port\"")
    check(not seen[name], name .. " is listed twice")
    seen[name] = true
    peers[#peers + 1] = { name = name, port = tonumber(port) }
  end
  return peers
end

local settings = dofile(FILE)
check(type(settings) == "table", "must return a table")
check(type(settings.peers) == "table" and #settings.peers > 0,
  "peers must list at least one \"name:port\"")
check(settings.scaled == nil or type(settings.scaled) == "table", "scaled must be a list")
local passive, active = settings.passive, settings.active
check(type(passive) == "table", "passive is missing")
check(type(active) == "table", "active is missing")

check_number(passive, "max_fails", 0)
check_number(passive, "fail_timeout", 1)
check(type(passive.statuses) == "table", "passive.statuses must be a list")
check(type(active.enabled) == "boolean", "active.enabled must be true or false")
check(type(active.path) == "string" and active.path:match("^/%S*$"),
  "active.path must begin with a slash")
check_number(active, "interval", 0.1)
check_number(active, "timeout", 0.05)
check_number(active, "rise", 1)
check_number(active, "fall", 1)
check(settings.when_all_down == "try_all" or settings.when_all_down == "fail_fast",
  "when_all_down must be \"try_all\" or \"fail_fast\"")

local failing = {}
for _, status in ipairs(passive.statuses) do
  failing[status] = true
end

return {
  peers = parse_peers(settings.peers),
  scaled = parse_peers(settings.scaled or {}),
  passive = {
    max_fails = passive.max_fails,
    fail_timeout = passive.fail_timeout,
    failing = failing,
  },
  active = active,
  try_all = settings.when_all_down == "try_all",
}

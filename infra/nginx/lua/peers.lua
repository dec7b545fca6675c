-- What is known of each peer: its address, and what the active and the passive checks think
-- of it. Kept in a shared dictionary, so that workers agree and a reload forgets nothing.

local config = require "config"
local events = require "events"

local known = ngx.shared.peers
local peers = {}

-- The peers that a scaled name has brought, from the text of its addresses ("10.0.0.7 10.0.0.8"),
-- which changes rarely and is asked for with each request.
local joined = {}
for i in ipairs(config.scaled) do
  joined[i] = { text = "", peers = {} }
end

local function joined_peers(i)
  local text = known:get("members:" .. config.scaled[i].name) or ""
  local seen = joined[i]
  if seen.text ~= text then
    seen = { text = text, peers = {} }
    for address in text:gmatch("%S+") do
      seen.peers[#seen.peers + 1] = {
        name = config.scaled[i].name .. "@" .. address,
        port = config.scaled[i].port,
      }
    end
    joined[i] = seen
  end
  return seen.peers
end

-- Every peer there is: those that are declared, then those that have joined.
function peers.all()
  if #config.scaled == 0 then
    return config.peers
  end
  local all = { unpack(config.peers) }
  for i in ipairs(config.scaled) do
    for _, peer in ipairs(joined_peers(i)) do
      all[#all + 1] = peer
    end
  end
  return all
end

-- The addresses of those that a scaled name has brought, as a set.
function peers.members(name)
  local members = {}
  for address in (known:get("members:" .. name) or ""):gmatch("%S+") do
    members[address] = true
  end
  return members
end

local function set_members(name, members)
  local list = {}
  for address in pairs(members) do
    list[#list + 1] = address
  end
  table.sort(list)
  known:set("members:" .. name, table.concat(list, " "))
end

-- An address of a scaled name that is ready gets requests from now on.
function peers.join(name, address)
  local peer, members = name .. "@" .. address, peers.members(name)
  members[address] = true
  known:set("address:" .. peer, address)
  known:set("active:" .. peer, true)
  set_members(name, members)
  events.log("info", "upstream " .. peer .. " has joined", peer, "up")
end

-- One that the name has no more is forgotten altogether.
function peers.leave(name, address)
  local peer, members = name .. "@" .. address, peers.members(name)
  members[address] = nil
  set_members(name, members)
  for _, kind in ipairs({ "address", "active", "streak", "fails", "tripped", "resume" }) do
    known:delete(kind .. ":" .. peer)
  end
  events.log("info", "upstream " .. peer .. " has left", peer, "gone")
end

function peers.address(name)
  return known:get("address:" .. name)
end

function peers.set_address(name, address)
  known:set("address:" .. name, address)
end

-- For a name that is gone: its old address may be another container's by now.
function peers.forget_address(name)
  known:delete("address:" .. name)
end

-- A peer that was never checked counts as up; its first check decides at once.
function peers.is_active_up(name)
  return not config.active.enabled or known:get("active:" .. name) ~= false
end

function peers.is_passive_up(name)
  return not known:get("tripped:" .. name)
end

function peers.is_up(name)
  return peers.address(name) ~= nil and peers.is_active_up(name) and peers.is_passive_up(name)
end

-- The peers that a request may go to now.
function peers.candidates()
  local up, addressed = {}, {}
  for _, peer in ipairs(peers.all()) do
    if peers.address(peer.name) then
      addressed[#addressed + 1] = peer
      if peers.is_active_up(peer.name) and peers.is_passive_up(peer.name) then
        up[#up + 1] = peer
      end
    end
  end
  if #up == 0 and config.try_all then
    return addressed
  end
  return up
end

local function log_change(name, up, by, reason)
  local state = up and "up" or "down"
  events.log(up and "info" or "warning",
    string.format("upstream %s marked %s by %s: %s", name, state, by, reason), name, state)
end

-- One active check's result; `reason` is for people.
function peers.record_check(name, good, reason)
  local was_up = known:get("active:" .. name)
  if was_up == good then
    known:set("streak:" .. name, 0)
    return
  end
  local streak = known:incr("streak:" .. name, 1, 0)
  local needed = good and config.active.rise or config.active.fall
  if was_up == nil or streak >= needed then
    known:set("active:" .. name, good)
    known:set("streak:" .. name, 0)
    log_change(name, good, "active check", reason)
  end
end

-- One failed try of a customer's request, as nginx's max_fails counts them: so many within
-- fail_timeout of the first. The counter left behind is the probation after the pause.
function peers.record_failure(name, reason)
  local max_fails, fail_timeout = config.passive.max_fails, config.passive.fail_timeout
  if max_fails == 0 or not peers.is_passive_up(name) then
    return
  end
  local fails = known:incr("fails:" .. name, 1, 0, fail_timeout)
  if fails >= max_fails then
    known:set("tripped:" .. name, true, fail_timeout)
    known:set("fails:" .. name, max_fails - 1, 2 * fail_timeout)
    known:set("resume:" .. name, true)
    log_change(name, false, "passive checks", fails .. " failures, the last: " .. reason)
  end
end

-- To be called about once a second, by one worker: logs what changed by the passing of time,
-- and the moments when no peer is left and when one is there again.
function peers.log_passing()
  local any_up = false
  for _, peer in ipairs(peers.all()) do
    local name = peer.name
    any_up = any_up or peers.is_up(name)
    if known:get("resume:" .. name) and peers.is_passive_up(name) then
      known:delete("resume:" .. name)
      log_change(name, true, "passive checks", "fail_timeout is over")
    end
  end
  local was_any_up = known:get("any_up")
  if was_any_up == any_up then
    return
  end
  known:set("any_up", any_up)
  if any_up and was_any_up == false then
    events.log("info", "an upstream is up again")
  elseif not any_up then
    events.log("error", "no upstream is up: "
      .. (config.try_all and "trying all of them" or "answering 503"))
  end
end

return peers

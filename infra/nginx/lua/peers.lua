-- What is known of each peer: its address, and what the active and the passive checks think
-- of it. Kept in a shared dictionary, so that workers agree and a reload forgets nothing.

local config = require "config"
local events = require "events"

local known = ngx.shared.peers
local peers = { all = config.peers }

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
  for _, peer in ipairs(config.peers) do
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
  for _, peer in ipairs(config.peers) do
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

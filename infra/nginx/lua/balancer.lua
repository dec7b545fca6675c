-- Chooses the peer for each try of a request: the one with the fewest requests under way, of those
-- that are up; in turn where several have as few (nginx's least_conn).

local balancer = require "ngx.balancer"
local peers = require "peers"

-- nginx's NGX_BUSY, "no live upstreams": a 502, of which lua/problem.lua makes a 503.
local BUSY = -3

local turn = 0

-- How many requests each peer has at hand, as this worker knows; none where it is not in here.
local at_hand = {}

-- "1" where the answer at hand says that its peer is well and merely too busy for this request.
local function refusal()
  return ngx.var.upstream_http_x_refused and "1" or "0"
end

-- `tried` is a list such as "api-1, api-3".
local function least_busy_untried(candidates, tried)
  tried = ", " .. tried .. ","
  local least
  for offset = 1, #candidates do
    local peer = candidates[(turn + offset - 1) % #candidates + 1]
    if not tried:find(", " .. peer.name .. ",", 1, true)
      and (not least or (at_hand[peer.name] or 0) < (at_hand[least.name] or 0)) then
      least = peer
    end
  end
  return least
end

-- A try is over: the last of those in the list has one request less at hand.
local function let_go(tried)
  local name = tried:match("[^, ]+$")
  local left = (at_hand[name] or 1) - 1
  at_hand[name] = left > 0 and left or nil
end

local function choose()
  local tried = ngx.var.upstream_names
  local candidates = peers.candidates()
  turn = turn + 1
  local peer = least_busy_untried(candidates, tried)
  if not peer then
    return ngx.exit(BUSY)
  end
  at_hand[peer.name] = (at_hand[peer.name] or 0) + 1
  if tried == "" then
    -- Allow no more tries than there are peers left, or nginx would throw away the only
    -- peer's answer for a try that cannot be made.
    if #candidates > 1 then
      balancer.set_more_tries(#candidates - 1)
    end
    ngx.var.upstream_names = peer.name
  else
    let_go(tried)
    -- The headers are still those of the try before.
    ngx.ctx.refusals = (ngx.ctx.refusals or "") .. refusal()
    ngx.var.upstream_names = tried .. ", " .. peer.name
  end
  local ok, problem = balancer.set_current_peer(peers.address(peer.name), peer.port)
  if not ok then
    ngx.log(ngx.ERR, "cannot use upstream ", peer.name, ": ", problem)
    return ngx.exit(ngx.ERROR)
  end
end

-- For the log phase: whether the peer of that try (1 is the first) refused for being busy.
local function refused(try)
  return ((ngx.ctx.refusals or "") .. refusal()):sub(try, try) == "1"
end

return { choose = choose, refused = refused, let_go = let_go }

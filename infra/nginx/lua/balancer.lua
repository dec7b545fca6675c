-- Chooses the peer for each try of a request: round robin over those that are up.

local balancer = require "ngx.balancer"
local peers = require "peers"

-- nginx's NGX_BUSY, "no live upstreams": a 502, of which lua/problem.lua makes a 503.
local BUSY = -3

local turn = 0

-- "1" where the answer at hand says that its peer is well and merely too busy for this request.
local function refusal()
  return ngx.var.upstream_http_x_refused and "1" or "0"
end

-- `tried` is a list such as "api-1, api-3".
local function first_untried(candidates, tried)
  tried = ", " .. tried .. ","
  for offset = 1, #candidates do
    local peer = candidates[(turn + offset - 1) % #candidates + 1]
    if not tried:find(", " .. peer.name .. ",", 1, true) then
      return peer
    end
  end
end

local function choose()
  local tried = ngx.var.upstream_names
  local candidates = peers.candidates()
  turn = turn + 1
  local peer = first_untried(candidates, tried)
  if not peer then
    return ngx.exit(BUSY)
  end
  if tried == "" then
    -- Allow no more tries than there are peers left, or nginx would throw away the only
    -- peer's answer for a try that cannot be made.
    if #candidates > 1 then
      balancer.set_more_tries(#candidates - 1)
    end
    ngx.var.upstream_names = peer.name
  else
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

return { choose = choose, refused = refused }

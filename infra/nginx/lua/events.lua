-- What happens to the balancer itself, as JSON lines beside the access log.

local cjson = require "cjson"

local events = {}

local function now()
  local seconds = ngx.now()
  return os.date("!%Y-%m-%dT%H:%M:%S", seconds)
    .. string.format(".%03d+00:00", (seconds % 1) * 1000)
end

-- `upstream` and `state` ("up" or "down") where the event is about one peer's state.
-- Not through ngx.log, which would wrap the line in its own format.
function events.log(level, event, upstream, state)
  local line = string.format('{"time":"%s","level":"%s","event":%s',
    now(), level, cjson.encode(event))
  if upstream then
    line = line .. string.format(',"upstream":"%s","state":"%s"', upstream, state)
  end
  io.stdout:write(line, "}\n")
  io.stdout:flush()
end

return events

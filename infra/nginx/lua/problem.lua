-- nginx's own errors as application/problem+json (RFC 9457), with the request id.

local cjson = require "cjson"

local TITLES = {
  [400] = "Bad Request",
  [403] = "Forbidden",
  [404] = "Not Found",
  [405] = "Method Not Allowed",
  [408] = "Request Timeout",
  [411] = "Length Required",
  [413] = "Content Too Large",
  [414] = "URI Too Long",
  [416] = "Range Not Satisfiable",
  [429] = "Too Many Requests",
  [500] = "Internal Server Error",
  [501] = "Not Implemented",
  [502] = "Bad Gateway",
  [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
  [505] = "HTTP Version Not Supported",
}

local DETAILS = {
  [404] = "There is nothing at this path.",
  [413] = "The request body is larger than this path accepts.",
  [429] = "So many uploads are on their way already that there is no room for another.",
  [502] = "The application closed the connection or could not be reached.",
  [503] = "No replica of the application can take the request now.",
  [504] = "The application did not answer in time.",
}

-- Whether the last try had no peer to go to: none was up from the start, or the others went down
-- between a first try and the next.
local function nobody_was_left()
  local _, tries = (ngx.var.upstream_status or ""):gsub("[%d-]+", "")
  local _, peers = ngx.var.upstream_names:gsub("[^, ]+", "")
  return tries > peers
end

local function answer()
  local status = ngx.status
  if status == 502 and (ngx.var.upstream_names == "" or nobody_was_left()) then
    status = 503
  end
  local body = cjson.encode({
    type = "about:blank",
    title = TITLES[status] or "Error",
    status = status,
    detail = DETAILS[status],
    request_id = ngx.var.rid,
  }) .. "\n"
  ngx.status = status
  ngx.header["Content-Type"] = "application/problem+json"
  ngx.header["Content-Length"] = #body
  if status == 503 or status == 429 then
    ngx.header["Retry-After"] = 1
  end
  ngx.print(body)
end

return { answer = answer }

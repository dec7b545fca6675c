-- The active checks: every `interval`, look up each peer's address and GET its readiness.

local resolver = require "nginx.dns.resolver"
local config = require "config"
local peers = require "peers"

local active = config.active
local checks = {}

-- The name server of this container: on a compose network, Docker's own.
local function read_nameserver()
  for line in io.lines("/etc/resolv.conf") do
    local address = line:match("^nameserver%s+(%S+)")
    if address then
      return address
    end
  end
  return "127.0.0.11"
end

local nameserver = read_nameserver()

local NAME_ERROR = 3    -- a DNS answer's code for "there is no such name" (RFC 1035)

-- Looks the peer's address up and remembers it. Returns it, or nil and why there is none.
local function resolve(peer)
  if peer.name:match("^%d+%.%d+%.%d+%.%d+$") then
    peers.set_address(peer.name, peer.name)
    return peer.name
  end
  local dns, problem = resolver:new({
    nameservers = { nameserver },
    retrans = 1,
    timeout = active.timeout * 1000,
  })
  if not dns then
    return nil, problem
  end
  local answers
  answers, problem = dns:query(peer.name, { qtype = dns.TYPE_A })
  if not answers then
    return nil, "cannot ask for its address: " .. problem
  end
  for _, answer in ipairs(answers) do
    if answer.address then
      peers.set_address(peer.name, answer.address)
      return answer.address
    end
  end
  if answers.errcode == NAME_ERROR then
    peers.forget_address(peer.name)
  end
  return nil, "name does not resolve: " .. (answers.errstr or "no address")
end

-- Good or not, and the status or the error as text. The deadline is for all of it.
local function probe(peer, address)
  local deadline = ngx.now() + active.timeout
  local socket = ngx.socket.tcp()
  socket:settimeout(active.timeout * 1000)
  local ok, problem = socket:connect(address, peer.port)
  if not ok then
    return false, problem
  end
  ok, problem = socket:send("GET " .. active.path .. " HTTP/1.1\r\nHost: " .. peer.name
    .. "\r\nUser-Agent: nginx-check\r\nConnection: close\r\n\r\n")
  if not ok then
    return false, problem
  end
  ngx.update_time()
  socket:settimeout(math.max(1, (deadline - ngx.now()) * 1000))
  local line
  line, problem = socket:receive("*l")
  socket:close()
  if not line then
    return false, problem
  end
  local status = line:match("^HTTP/1%.%d (%d%d%d)")
  return status == "200", status or "not an HTTP answer"
end

local function check(peer)
  local address, problem = resolve(peer)
  if not active.enabled then
    return
  end
  if not address then
    peers.record_check(peer.name, false, problem)
    return
  end
  peers.record_check(peer.name, probe(peer, address))
end

-- Rounds may overlap when a peer is slow, so that the pace is kept whatever the time-outs.
local function round(premature)
  if premature then
    return
  end
  local threads = {}
  for i, peer in ipairs(peers.all) do
    threads[i] = ngx.thread.spawn(check, peer)
  end
  for _, thread in ipairs(threads) do
    ngx.thread.wait(thread)
  end
  peers.log_passing()
end

-- For init_worker: one worker checks for all.
function checks.start()
  if ngx.worker.id() ~= 0 then
    return
  end
  assert(ngx.timer.at(0, round))
  assert(ngx.timer.every(active.interval, round))
end

return checks

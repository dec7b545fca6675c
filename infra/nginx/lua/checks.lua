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

-- The addresses that a name has now, an empty list where it has none; or nil and why that is not
-- known.
local function look_up(name)
  if name:match("^%d+%.%d+%.%d+%.%d+$") then
    return { name }
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
  answers, problem = dns:query(name, { qtype = dns.TYPE_A })
  if not answers then
    return nil, "cannot ask for its address: " .. problem
  end
  if answers.errcode and answers.errcode ~= NAME_ERROR then
    return nil, "name does not resolve: " .. answers.errstr
  end
  local addresses = {}
  for _, answer in ipairs(answers) do
    addresses[#addresses + 1] = answer.address
  end
  return addresses
end

-- Good or not, the status or the error as text, and whether anybody took the connection at all.
-- The deadline is for all of it.
local function probe(peer, address)
  local deadline = ngx.now() + active.timeout
  local socket = ngx.socket.tcp()
  socket:settimeout(active.timeout * 1000)
  local ok, problem = socket:connect(address, peer.port)
  if not ok then
    return false, problem, false
  end
  ok, problem = socket:send("GET " .. active.path .. " HTTP/1.1\r\nHost: " .. peer.name
    .. "\r\nUser-Agent: nginx-check\r\nConnection: close\r\n\r\n")
  if not ok then
    return false, problem, true
  end
  ngx.update_time()
  socket:settimeout(math.max(1, (deadline - ngx.now()) * 1000))
  local line
  line, problem = socket:receive("*l")
  socket:close()
  if not line then
    return false, problem, true
  end
  local status = line:match("^HTTP/1%.%d (%d%d%d)")
  return status == "200", status or "not an HTTP answer", true
end

local function check(peer)
  local addresses, problem = look_up(peer.name)
  if addresses and not addresses[1] then
    peers.forget_address(peer.name)
    problem = "name does not resolve: no address"
  elseif addresses then
    peers.set_address(peer.name, addresses[1])
  end
  if not active.enabled then
    return
  end
  if not addresses or not addresses[1] then
    peers.record_check(peer.name, false, problem)
    return
  end
  local good, reason = probe(peer, addresses[1])
  peers.record_check(peer.name, good, reason)
end

-- One address of a scaled name. `named`: DNS says that it is there; nil while DNS is mute, when
-- whoever takes a connection is there: one that is frozen does, one that is gone does not.
local function check_member(entry, address, member, named)
  if named == false then
    peers.leave(entry.name, address)
    return
  end
  local good, reason, there = true, nil, true
  if active.enabled then
    good, reason, there = probe(entry, address)
  end
  if not member then
    -- One that is still starting is not down: it has not come yet.
    if good then
      peers.join(entry.name, address)
    end
  elseif named == nil and not there then
    peers.leave(entry.name, address)
  elseif active.enabled then
    peers.record_check(entry.name .. "@" .. address, good, reason)
  end
end

local function check_scaled(entry)
  local addresses = look_up(entry.name)
  local members = peers.members(entry.name)
  local named = {}
  for address in pairs(members) do
    if addresses then
      named[address] = false
    end
  end
  for _, address in ipairs(addresses or {}) do
    named[address] = true
  end
  local threads = {}
  for address in pairs(addresses and named or members) do
    threads[#threads + 1] = ngx.thread.spawn(check_member, entry, address, members[address],
      named[address])
  end
  for _, thread in ipairs(threads) do
    ngx.thread.wait(thread)
  end
end

-- Rounds may overlap when a peer is slow, so that the pace is kept whatever the time-outs.
local function round(premature)
  if premature then
    return
  end
  local threads = {}
  for _, peer in ipairs(config.peers) do
    threads[#threads + 1] = ngx.thread.spawn(check, peer)
  end
  for _, entry in ipairs(config.scaled) do
    threads[#threads + 1] = ngx.thread.spawn(check_scaled, entry)
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

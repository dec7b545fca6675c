-- Whether a request came by the published port. The engine hands those on from the network's own
-- gateway, which is nobody's address in the stack.

local gateway

-- Of the default route, as the kernel has it: four bytes in hexadecimal digits, the last one first.
local function read()
  for line in io.lines("/proc/net/route") do
    local hex = line:match("^%S+%s+00000000%s+(%x%x%x%x%x%x%x%x)%s")
    if hex then
      local a, b, c, d = hex:match("(%x%x)(%x%x)(%x%x)(%x%x)")
      return table.concat({
        tonumber(d, 16), tonumber(c, 16), tonumber(b, 16), tonumber(a, 16),
      }, ".")
    end
  end
  return ""
end

-- "1", or "" for whoever is on the network.
local function is(address)
  -- A network that was taken away and given back may be another one.
  if not gateway or gateway == "" then
    gateway = read()
  end
  return address == gateway and "1" or ""
end

return { is = is }

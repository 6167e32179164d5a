-- Which sender domains a message proves by SPF or DKIM, for the rules beside this file.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/authentication.lua; changes to this copy are lost.

local function domain_of(mailbox)
  return (mailbox and mailbox.domain or ''):lower()
end

--- Relaxed alignment by domain name (RFC 7489 section 3.1): the domains are equal or one is a subdomain of the other.
local function is_aligned(one, other)
  if one == '' or other == '' then return false end
  return one == other or one:sub(-#other - 1) == '.' .. other or other:sub(-#one - 1) == '.' .. one
end

--- Whether SPF or a valid DKIM signature authenticates the domain.
local function is_proved(task, domain)
  if task:has_symbol('R_SPF_ALLOW') and is_aligned(domain_of((task:get_from('smtp') or {})[1]), domain) then
    return true
  end
  for _, found in ipairs(task:get_symbol('R_DKIM_ALLOW') or {}) do
    for _, option in ipairs(found.options or {}) do
      -- Format: domain:s=selector
      if is_aligned(option:lower():match('^[^:]+') or '', domain) then return true end
    end
  end
  return false
end

return { domain_of = domain_of, is_proved = is_proved }

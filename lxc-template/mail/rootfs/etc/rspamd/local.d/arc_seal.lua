-- Which messages get an ARC seal (RFC 8617), and with which key: forwarded mail, with the DKIM key of main.domain.
-- A receiver that trusts this server learns from the seal that the message passed SPF and DMARC here.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/arc_seal.lua; changes to this copy are lost.

local logger = require 'rspamd_logger'

-- One line, `domain selector key`, written by mailctl whenever the signing key changes; empty without a key
local KEY = '/etc/dkimkeys/ArcKey'

--- The parameters of the seal, or false.
return function(task)
  -- milter_macro_daemon_name in Postfix's master.cf
  if tostring(task:get_request_header('MTA-Name') or '') ~= 'FORWARD' then return false end
  local file, problem = io.open(KEY)
  if not file then
    logger.errx(task, 'arc_seal: %s', problem)
    return false
  end
  local domain, selector, key = file:read('*a'):match('^(%S+) (%S+) (%S+)\n$')
  file:close()
  if not domain then return false end
  return { domain = domain, selector = selector, rawkey = key }
end

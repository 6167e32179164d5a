-- Bounces of forwarded mail return only to senders that SPF or DKIM proved when the message came in: another sender may
-- be forged, and a bounce to it would be backscatter. Its mail leaves with an address of ours that takes no bounce.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/forward_sender.lua; changes to this copy are lost.

-- postsrsd finds no signature in it, so Postfix refuses it as a recipient (srs_access.pcre, backscatter.cf)
local UNPROVED = '<SRS0=unproved@example.com>'

local function ends_with(text, ending)
  return text:sub(-#ending) == ending
end

--- Whether the results of this server prove the domain of the envelope sender.
local function is_proved(task, sender)
  -- The results quote the sender: characters with a meaning there could forge one
  local domain = (sender.addr or ''):lower():match("^[%w.!#$%%&'*+/=?^_`{|}~-]+@([%w.-]+)$")
  -- The only ones left: forward_headers.pcre has removed those of other servers
  local results = task:get_header('Authentication-Results')
  if not domain or not results then return false end
  if results:match(';%s*spf=pass%f[%W]') then return true end
  for signer in results:gmatch(';%s*dkim=pass%s[^;]-header%.d=([%w.-]+)') do
    signer = signer:lower()
    if domain == signer or ends_with(domain, '.' .. signer) then return true end
  end
  return false
end

rspamd_config:register_symbol {
  name = 'FORWARD_SENDER',
  type = 'prefilter',
  priority = 9,
  score = 0.0,
  flags = 'empty,nostat,explicit_disable,ignore_passthrough',
  callback = function(task)
    -- milter_macro_daemon_name in Postfix's master.cf
    if tostring(task:get_request_header('MTA-Name') or '') ~= 'FORWARD' then return end
    local sender = (task:get_from('smtp') or {})[1]
    if sender and not is_proved(task, sender) then
      task:set_milter_reply { change_from = UNPROVED }
      task:insert_result('FORWARD_SENDER', 0.0, 'not proved')
    end
  end,
}

-- Mail from outside that says it comes from one of our domains and cannot prove it, and senders too doubtful to be
-- answered by a vacation reply. UCI: spam.own_domain_forgery. Present when features.spf is on.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/forged_sender.lua; changes to this copy are lost.

local logger = require 'rspamd_logger'
local directory = dofile('/etc/rspamd/local.d/directory.lua')

-- junk, reject or accept; accept also where DKIM is not evaluated: by SPF alone honest forwards would fail
local ON_FORGERY = 'junk'
local SYMBOL = 'FORGED_OWN_DOMAIN'

local function has_any(task, symbols)
  for _, symbol in ipairs(symbols) do
    if task:has_symbol(symbol) then return true end
  end
  return false
end

local function domain_of(mailbox)
  return (mailbox and mailbox.domain or ''):lower()
end

--- Same organization, by the domain alone (RFC 7489 section 3.1, relaxed): one is the other or lies below it.
local function is_aligned(one, other)
  if one == '' or other == '' then return false end
  return one == other or one:sub(-#other - 1) == '.' .. other or other:sub(-#one - 1) == '.' .. one
end

--- Whether a valid signature or the address it came from vouches for the domain.
local function is_proved(task, domain)
  if task:has_symbol('R_SPF_ALLOW') and is_aligned(domain_of((task:get_from('smtp') or {})[1]), domain) then
    return true
  end
  for _, found in ipairs(task:get_symbol('R_DKIM_ALLOW') or {}) do
    for _, option in ipairs(found.options or {}) do
      -- domain:s=selector
      if is_aligned(option:lower():match('^[^:]+') or '', domain) then return true end
    end
  end
  return false
end

--- A list sends what a member of ours wrote, with our From and often with changes that break our signature. It
--- names itself (RFC 2919) and sends from its own domain, which must vouch for it.
local function is_list(task, envelope)
  return task:get_header('List-Id') ~= nil and task:has_symbol('R_SPF_ALLOW') and not directory.is_mail_domain(envelope)
end

--- The domain of ours that the message claims without proof, or nil.
local function forged_domain(task)
  local envelope = domain_of((task:get_from('smtp') or {})[1])
  if envelope ~= '' and directory.is_mail_domain(envelope) and not is_proved(task, envelope) then return envelope end
  for _, mailbox in ipairs(task:get_from('mime') or {}) do
    local domain = domain_of(mailbox)
    if domain ~= '' and directory.is_mail_domain(domain) and not is_proved(task, domain) then
      return not is_list(task, envelope) and domain or nil
    end
  end
  return nil
end

local function answer_forgery(task, domain)
  task:insert_result(SYMBOL, 1.0, domain)
  if has_any(task, { 'R_SPF_DNSFAIL', 'R_DKIM_TEMPFAIL' }) then
    local message = 'Sender cannot be verified now, try again later'
    task:set_pre_result { action = 'soft reject', message = message, module = 'forged_sender', flags = 'least' }
  elseif ON_FORGERY == 'reject' then
    local message = string.format('Neither SPF nor DKIM proves that this is from %s', domain)
    task:set_pre_result { action = 'reject', message = message, module = 'forged_sender' }
  else
    -- junk.sieve files it, and ends before the mailbox's own script
    task:set_pre_result { action = 'add header', module = 'forged_sender', flags = 'least' }
  end
end

--- Whether the address that a reply would go to is probably not the one that wrote. A signature of the domain
--- makes up for SPF: that is how forwarded mail looks.
local function is_doubtful(task)
  if has_any(task, { 'DMARC_POLICY_REJECT', 'DMARC_POLICY_QUARANTINE', 'DMARC_POLICY_SOFTFAIL' }) then return true end
  if not has_any(task, { 'R_SPF_FAIL', 'R_SPF_SOFTFAIL' }) then return false end
  return not is_proved(task, domain_of((task:get_from('smtp') or {})[1]))
end

local function check(task)
  -- of our own users; see sender_login.lua
  if (task:get_user() or '') ~= '' then return end
  local forged = ON_FORGERY ~= 'accept' and forged_domain(task) or nil
  if forged then answer_forgery(task, forged) end
  if forged or is_doubtful(task) then
    -- what Exchange understands, and Dovecot: no vacation reply
    task:set_milter_reply { add_headers = { ['X-Auto-Response-Suppress'] = 'OOF' } }
  end
end

rspamd_config:register_symbol {
  name = SYMBOL,
  type = 'postfilter',
  score = 0.0,
  flags = 'nostat',
  callback = function(task)
    local ok, failure = pcall(check, task)
    if ok then return end
    logger.errx(task, 'forged_sender: %s', failure)
    local message = 'Sender cannot be checked, try again later'
    task:set_pre_result { action = 'soft reject', message = message, module = 'forged_sender', flags = 'least' }
  end,
}

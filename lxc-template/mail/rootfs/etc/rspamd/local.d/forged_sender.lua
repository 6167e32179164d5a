-- Acts on mail from outside that claims one of our domains without proof, and suppresses vacation replies to senders
-- that are probably forged. UCI: spam.own_domain_forgery. Present when features.spf is on.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/forged_sender.lua; changes to this copy are lost.

local logger = require 'rspamd_logger'
local directory = dofile('/etc/rspamd/local.d/directory.lua')
local authentication = dofile('/etc/rspamd/local.d/authentication.lua')
local domain_of, is_proved = authentication.domain_of, authentication.is_proved

-- junk, reject or accept; always accept while DKIM is not evaluated: with SPF alone, honest forwards would fail
local ON_FORGERY = '{{own_domain_forgery}}'
local SYMBOL = 'FORGED_OWN_DOMAIN'

local function has_any(task, symbols)
  for _, symbol in ipairs(symbols) do
    if task:has_symbol(symbol) then return true end
  end
  return false
end

--- A mailing list resends a message of our user with our From, often with changes that break our signature. It
--- identifies itself (RFC 2919) and sends from its own domain, for which SPF must pass.
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
    -- junk.sieve files it into Junk and stops before the user's script
    task:set_pre_result { action = 'add header', module = 'forged_sender', flags = 'least' }
  end
end

--- Whether the envelope sender, to which a reply would go, is probably forged. A valid DKIM signature of its domain
--- outweighs an SPF failure: forwarded mail has both.
local function is_doubtful(task)
  if has_any(task, { 'DMARC_POLICY_REJECT', 'DMARC_POLICY_QUARANTINE', 'DMARC_POLICY_SOFTFAIL' }) then return true end
  if not has_any(task, { 'R_SPF_FAIL', 'R_SPF_SOFTFAIL' }) then return false end
  return not is_proved(task, domain_of((task:get_from('smtp') or {})[1]))
end

local function check(task)
  -- Mail of our users: sender_login.lua checks it
  if (task:get_user() or '') ~= '' then return end
  local forged = ON_FORGERY ~= 'accept' and forged_domain(task) or nil
  if forged then answer_forgery(task, forged) end
  if forged or is_doubtful(task) then
    -- Exchange and Dovecot send no vacation reply to a message with this header
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

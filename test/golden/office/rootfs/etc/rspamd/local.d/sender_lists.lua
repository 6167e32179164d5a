-- Senders and networks that the operator allows or denies. UCI: spam.allow, spam.deny. Present when one is set.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/sender_lists.lua; changes to this copy are lost.

local logger = require 'rspamd_logger'
local authentication = dofile('/etc/rspamd/local.d/authentication.lua')

local ALLOWED = { ["customer.example"] = true, ["o'brien+list@partner.example"] = true }
local NETWORKS = { "198.51.100.7", "2001:db8:25::/48" }
local DENIED = { ["spam.example"] = true, ["pest@xn--bcher-kva.example"] = true }
-- The symbols on which is_proved depends
local EVIDENCE = { "SPF_CHECK", "DKIM_CHECK" }
-- No score of the spam filter reaches it; actions that do not depend on the score remain (virus, DMARC, forged_sender)
local PASS = -1000000

local networks = NETWORKS[1] and rspamd_config:radix_from_ucl(NETWORKS, 'networks that the operator allows')

--- The entry for the address, with or without its extension, for its domain or a domain above it; else nil.
local function entry_for(list, mailbox)
  local address = (mailbox.addr or ''):lower()
  local plain = address:gsub('^([^+@]+)%+[^@]*@', '%1@')
  if list[address] or list[plain] then return list[address] and address or plain end
  local domain = authentication.domain_of(mailbox)
  while domain do
    if list[domain] then return domain end
    domain = domain:match('^[^.]+%.(.+)$')
  end
  return nil
end

local function is_ours(task)
  -- Mail of our users: sender_login.lua checks it
  return (task:get_user() or '') ~= ''
end

--- Postfix has refused the envelope senders and networks of spam.deny at RCPT.
local function refuse_denied(task)
  if is_ours(task) then return end
  for _, mailbox in ipairs(task:get_from('mime') or {}) do
    local entry = entry_for(DENIED, mailbox)
    if entry then
      task:insert_result('SENDER_DENIED', 0.0, entry)
      local message = 'Mail from this sender is not accepted here'
      return task:set_pre_result { action = 'reject', message = message, module = 'sender_lists' }
    end
  end
end

local function allow_listed(task)
  if is_ours(task) then return end
  local ip = task:get_from_ip()
  if networks and ip and ip:is_valid() and networks:get_key(ip) then
    return task:insert_result('SENDER_ALLOWED', 1.0, tostring(ip))
  end
  local senders = { (task:get_from('smtp') or {})[1] }
  local from = task:get_from('mime') or {}
  -- Several addresses in From: a mail program may show any of them
  if #from == 1 then senders[#senders + 1] = from[1] end
  for _, mailbox in ipairs(senders) do
    local entry = entry_for(ALLOWED, mailbox)
    if entry then
      local proved = authentication.is_proved(task, authentication.domain_of(mailbox))
      -- The second symbol is for the log: anyone can write an allowed name
      task:insert_result(proved and 'SENDER_ALLOWED' or 'SENDER_UNPROVED', 1.0, entry)
      if proved then return end
    end
  end
end

--- Runs the check; a message that cannot be checked is deferred.
local function guarded(check)
  return function(task)
    local ok, failure = pcall(check, task)
    if ok then return end
    logger.errx(task, 'sender_lists: %s', failure)
    task:set_pre_result('soft reject', 'Sender cannot be checked, try again later', 'sender_lists')
  end
end

rspamd_config:register_symbol {
  name = 'SENDER_DENIED',
  type = 'prefilter',
  -- After SENDER_LOGIN, which makes mail of Sieve mail of a user
  priority = 15,
  flags = 'empty,nostat',
  callback = guarded(refuse_denied),
}
local id = rspamd_config:register_symbol {
  name = 'SENDER_ALLOWED',
  type = 'normal',
  score = PASS,
  flags = 'empty,nostat',
  callback = guarded(allow_listed),
}
rspamd_config:register_symbol { name = 'SENDER_UNPROVED', type = 'virtual', parent = id, score = 0.0 }
for _, symbol in ipairs(EVIDENCE) do
  rspamd_config:register_dependency('SENDER_ALLOWED', symbol)
end

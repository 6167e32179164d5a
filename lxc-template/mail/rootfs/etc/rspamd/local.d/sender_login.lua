-- Checks that the sender headers belong to the login (RFC 6409 section 6.1): the directory must allow the login each
-- address in From, Sender, Resent-From and Resent-Sender. The same applies to vacation replies of Sieve, where the
-- mailbox is the login. A message that cannot be checked is deferred (4xx) or rejected; it never passes.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/sender_login.lua; changes to this copy are lost.

local logger = require 'rspamd_logger'
local util = require 'rspamd_util'
local directory = dofile('/etc/rspamd/local.d/directory.lua')

--- Adds text that some mail clients show as an address although it is none by the grammar.
local function add_lookalikes(raw, found)
  -- Quoted strings, comments and encoded words are display names
  local bare = raw:gsub('\\.', ''):gsub('"[^"]*"', ' '):gsub('%b()', ' '):gsub('=%?[^?]*%?[^?]*%?[^?]*%?=', ' ')
  for address in bare:gmatch('[^%s<>,;:"()]+@[^%s<>,;:"()]+') do
    found[address:lower()] = true
  end
end

--- The addresses of all headers of this name, or nil and the problem.
local function header_addresses(task, name)
  local found = {}
  for _, header in ipairs(task:get_header_full(name) or {}) do
    local mailboxes = util.parse_mail_address(header.value or '', task:get_mempool()) or {}
    for _, mailbox in ipairs(mailboxes) do
      if not mailbox.addr or mailbox.addr == '' then
        return nil, name .. ' header without an address'
      end
      found[mailbox.addr:lower()] = true
    end
    add_lookalikes(header.value or '', found)
    if #mailboxes == 0 or next(found) == nil then return nil, name .. ' header without an address' end
  end
  return found
end

--- The problem with the sender headers, or nil.
local function sender_problem(task, login)
  local from = task:get_header_full('From')
  if not from or #from == 0 then return 'no From header' end
  for _, name in ipairs { 'From', 'Sender' } do
    if #(task:get_header_full(name) or {}) > 1 then return 'more than one ' .. name .. ' header' end
  end
  for _, name in ipairs { 'From', 'Sender', 'Resent-From', 'Resent-Sender' } do
    local addresses, problem = header_addresses(task, name)
    if not addresses then return problem end
    for address in pairs(addresses) do
      if not directory.owns(login, address) then
        return string.format('%s address %s does not belong to this login', name, address)
      end
    end
  end
  return nil
end

local function without_extension(address)
  return (address:lower():gsub('^([^+@]+)%+[^@]*@', '%1@'))
end

--- The mailbox whose script sends, and whether this is a redirect. Dovecot writes both headers at the top, above all
--- headers from the script or from the original message.
local function sieve_mailbox(task)
  local headers = tostring(task:get_raw_headers())
  local redirecting = headers:match('^X%-Sieve: [^\r\n]*\r?\nX%-Sieve%-Redirected%-From: ([^%s]+)\r?\n')
  if redirecting then return without_extension(redirecting), true end
  local sender = (task:get_from('smtp') or {})[1]
  return without_extension(sender and sender.addr or ''), false
end

local function refuse(task, reason)
  logger.warnx(task, 'sender_login: %s: %s', task:get_user(), reason)
  task:insert_result('SENDER_LOGIN', 0.0, reason)
  task:set_pre_result('reject', reason, 'sender_login')
end

local function defer(task, reason)
  logger.errx(task, 'sender_login: %s', reason)
  task:set_pre_result('soft reject', 'Sender cannot be checked, try again later', 'sender_login')
end

--- Treats mail sent by Sieve as mail of the login: same rate limit, virus scan and settings.
local function check_sieve(task)
  local login, is_redirect = sieve_mailbox(task)
  task:set_user(login)
  -- Bucket `sieve` of ratelimit.conf: vacation replies must not use up the owner's rate limit
  task:get_mempool():set_variable('sieve_login', 'sieve ' .. login)
  -- Suspended or missing mailbox
  if not directory.owns(login, login) then return refuse(task, 'This mailbox may not send') end
  if is_redirect then return end
  local problem = sender_problem(task, login)
  if problem then return refuse(task, problem) end
  -- RFC 5230 section 5.1: empty envelope sender, so that no bounce returns. Postfix routes by the header to signing
  task:set_milter_reply { change_from = '<>', add_headers = { ['X-Sieve-Reply'] = 'yes' } }
end

local function check(task)
  -- milter_macro_daemon_name in Postfix's master.cf
  if tostring(task:get_request_header('MTA-Name') or '') == 'SIEVE' then return check_sieve(task) end
  local login = task:get_user()
  if not login or login == '' then return end
  local problem = sender_problem(task, login:lower())
  if problem then return refuse(task, problem) end
end

rspamd_config:register_symbol {
  name = 'SENDER_LOGIN',
  type = 'prefilter',
  -- Before every rule that can end the checks early, and before `settings`, which needs the login
  priority = 20,
  flags = 'empty,nostat,explicit_disable,ignore_passthrough',
  callback = function(task)
    local ok, failure = pcall(check, task)
    if not ok then defer(task, tostring(failure)) end
  end,
}

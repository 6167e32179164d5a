-- Header From of what a user submits belongs to that user (RFC 6409 section 6.1): each address in it is one that
-- the directory gives to the login. In doubt the message waits (4xx) or is refused; it never passes.
-- Written by mailctl from lxc-template/rootfs/etc/rspamd/local.d/sender_login.lua; changes to this copy are lost.

local sqlite3 = require 'rspamd_sqlite3'
local logger = require 'rspamd_logger'

local DIRECTORY = '/srv/directory/directory.db'
local REOPEN_AFTER_S = 10
-- EXISTS always gives a row: none at all means that the directory could not be read
local QUERY = [[SELECT EXISTS (SELECT 1 FROM sender WHERE login = ?1 AND address IN (?2, ?3)) AS owned]]

local directory = { db = nil, opened = 0 }

local function open_directory()
  -- a restored directory is another file of the same name
  if directory.db == nil or os.time() - directory.opened > REOPEN_AFTER_S then
    directory.db = sqlite3.open(DIRECTORY)
    directory.opened = os.time()
    -- mailctl holds the file for some milliseconds while it writes
    if directory.db then directory.db:sql('PRAGMA busy_timeout = 2000') end
  end
  return directory.db
end

--- true or false, or nil when the directory cannot be read
local function owns(login, address)
  -- the account with which mailctl proves that mail flows is in no directory
  if login == '{{probe_address}}' then return address == login end
  local db = open_directory()
  if not db then return nil end
  local local_part, domain = address:match('^(.*)@([^@]*)$')
  if not local_part then return false end
  -- alice+news@ is alice@: recipient_delimiter of Postfix
  local plain = local_part:match('^([^+]+)') or local_part
  for row in db:rows(QUERY, login, plain .. '@' .. domain, '@' .. domain) do
    return tonumber(row.owned) == 1
  end
  directory.db = nil
  return nil
end

--- Whatever looks like an address to some mail program, also where the grammar sees none.
local function add_lookalikes(raw, found)
  -- what stands in quotes, comments and encoded words is a name
  local bare = raw:gsub('\\.', ''):gsub('"[^"]*"', ' '):gsub('%b()', ' '):gsub('=%?[^?]*%?[^?]*%?[^?]*%?=', ' ')
  for address in bare:gmatch('[^%s<>,;:"()]+@[^%s<>,;:"()]+') do
    found[address:lower()] = true
  end
end

--- The addresses of header From, or nil and what is wrong with it.
local function from_addresses(task)
  local headers = task:get_header_full('From')
  if not headers or #headers == 0 then return nil, 'no From header' end
  if #headers > 1 then return nil, 'more than one From header' end
  local found = {}
  for _, mailbox in ipairs(task:get_from('mime') or {}) do
    if not mailbox.addr or mailbox.addr == '' then return nil, 'From header without an address' end
    found[mailbox.addr:lower()] = true
  end
  if next(found) == nil then return nil, 'From header without an address' end
  add_lookalikes(headers[1].value or '', found)
  return found
end

local function refuse(task, reason)
  logger.warnx(task, 'sender_login: %s: %s', task:get_user(), reason)
  task:insert_result('SENDER_LOGIN', 0.0, reason)
  task:set_pre_result('reject', '5.7.1 ' .. reason, 'sender_login')
end

local function defer(task, reason)
  logger.errx(task, 'sender_login: %s', reason)
  task:set_pre_result('soft reject', '4.3.0 sender cannot be checked, try again later', 'sender_login')
end

local function check(task)
  local login = task:get_user()
  if not login or login == '' then return end
  local addresses, problem = from_addresses(task)
  if not addresses then return refuse(task, problem) end
  for address in pairs(addresses) do
    local owned = owns(login:lower(), address)
    if owned == nil then return defer(task, 'cannot read ' .. DIRECTORY) end
    if not owned then return refuse(task, string.format('From address %s does not belong to this login', address)) end
  end
end

rspamd_config:register_symbol {
  name = 'SENDER_LOGIN',
  type = 'prefilter',
  -- before everything that could end the look at a message early
  priority = 20,
  flags = 'empty,nostat,explicit_disable,ignore_passthrough',
  callback = function(task)
    local ok, failure = pcall(check, task)
    if not ok then defer(task, tostring(failure)) end
  end,
}

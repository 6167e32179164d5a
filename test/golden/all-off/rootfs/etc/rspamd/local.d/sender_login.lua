-- Header From of what a user submits belongs to that user (RFC 6409 section 6.1): each address in it is one that
-- the directory gives to the login. In doubt the message waits (4xx) or is refused; it never passes.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/sender_login.lua; changes to this copy are lost.

local sqlite3 = require 'rspamd_sqlite3'
local logger = require 'rspamd_logger'
local util = require 'rspamd_util'

local DIRECTORY = '/srv/directory/directory.db'
local REATTACH_AFTER_S = 10
-- EXISTS always gives a row: none at all means that the directory could not be read
local QUERY = [[SELECT EXISTS
  (SELECT 1 FROM directory.sender WHERE login = ?1 AND address IN (?2, ?3)) AS owned]]

local connection = { db = nil, attached = nil }

-- Rspamd opens databases in write-ahead mode with an exclusive lock, which would keep mailctl from writing. So it
-- opens an empty one of its own, and the directory is attached to that with ordinary locks, held for a query only.
local function open_connection()
  local scratch = string.format('/run/rspamd/%s.db', util.random_hex(16))
  local db = sqlite3.open(scratch)
  os.remove(scratch)
  if not db then return nil end
  db:sql('PRAGMA locking_mode = NORMAL')
  -- mailctl holds the file for some milliseconds while it writes
  db:sql('PRAGMA busy_timeout = 2000')
  return db
end

--- A database with the directory attached. Throws when that cannot be had.
local function directory()
  if not connection.db then connection = { db = open_connection() } end
  local now = os.time()
  -- a restored directory is another file of the same name
  if connection.attached and now - connection.attached > REATTACH_AFTER_S then
    connection.db:sql('DETACH directory')
    connection.attached = nil
  end
  if not connection.attached then
    connection.db:sql('ATTACH ?1 AS directory', DIRECTORY)
    connection.attached = now
  end
  return connection.db
end

--- True or false; throws when the directory cannot be read.
local function owns(login, address)
  -- the account with which mailctl proves that mail flows is in no directory
  if login == 'probe@probe.invalid' then return address == login end
  local local_part, domain = address:match('^(.*)@([^@]*)$')
  if not local_part then return false end
  -- alice+news@ is alice@: recipient_delimiter of Postfix
  local plain = local_part:match('^([^+]+)') or local_part
  local row, ok = directory():sql(QUERY, login, plain .. '@' .. domain, '@' .. domain)
  if not ok then error('the query failed') end
  return tonumber(row.owned) == 1
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
  task:set_pre_result('reject', reason, 'sender_login')
end

local function defer(task, reason)
  logger.errx(task, 'sender_login: %s', reason)
  task:set_pre_result('soft reject', 'Sender cannot be checked, try again later', 'sender_login')
end

local function check(task)
  local login = task:get_user()
  if not login or login == '' then return end
  local addresses, problem = from_addresses(task)
  if not addresses then return refuse(task, problem) end
  for address in pairs(addresses) do
    if not owns(login:lower(), address) then
      return refuse(task, string.format('From address %s does not belong to this login', address))
    end
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
    if ok then return end
    connection = {}
    defer(task, string.format('cannot ask %s: %s', DIRECTORY, failure))
  end,
}

-- Account lookups for the rules beside this file: which logins may send as an address, which domains are ours.
-- Both functions throw when the accounts cannot be read; the rules then defer the message.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/directory.lua; changes to this copy are lost.

local sqlite3 = require 'rspamd_sqlite3'
local util = require 'rspamd_util'

local DIRECTORY = '/srv/directory/directory.db'
local REATTACH_AFTER_S = 10
-- EXISTS always returns a row: no row means that the directory could not be read
local OWNS = [[SELECT EXISTS
  (SELECT 1 FROM directory.sender WHERE login = ?1 AND address IN (?2, ?3)) AS found]]
local HAS_DOMAIN = 'SELECT EXISTS (SELECT 1 FROM directory.domain WHERE name = ?1) AS found'

local connection = { db = nil, attached = nil }

-- Rspamd opens a database in WAL mode with an exclusive lock, which would block writes by mailctl. So this opens an
-- empty database and attaches the directory to it, with normal locks that last for one query.
local function open_connection()
  local scratch = string.format('/run/rspamd/%s.db', util.random_hex(16))
  local db = sqlite3.open(scratch)
  os.remove(scratch)
  if not db then return nil end
  db:sql('PRAGMA locking_mode = NORMAL')
  -- mailctl locks the file for a few milliseconds per write
  db:sql('PRAGMA busy_timeout = 2000')
  return db
end

local function attached()
  if not connection.db then connection = { db = open_connection() } end
  local now = os.time()
  -- A restore replaces the file: attach the new one
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

local function exists(query, ...)
  local asked, row, ok = pcall(function(...)
    return attached():sql(query, ...)
  end, ...)
  if asked and ok then return tonumber(row.found) == 1 end
  connection = {}
  error(string.format('cannot ask %s: %s', DIRECTORY, asked and 'the query failed' or row))
end

--- Whether the login may send as the address; alice+news@ counts as alice@ (recipient_delimiter of Postfix).
local function owns(login, address)
  -- the probe account of mailctl is not in the directory
  if login == 'probe@probe.invalid' then return address == login end
  local local_part, domain = address:match('^(.*)@([^@]*)$')
  if not local_part then return false end
  local plain = local_part:match('^([^+]+)') or local_part
  return exists(OWNS, login, plain .. '@' .. domain, '@' .. domain)
end

local function is_mail_domain(name)
  return exists(HAS_DOMAIN, name)
end

return { owns = owns, is_mail_domain = is_mail_domain }

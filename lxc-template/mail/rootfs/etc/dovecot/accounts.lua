-- Passwords and mailboxes for Dovecot, from directory.db. Written by mailctl; changes to this copy are lost.
-- https://doc.dovecot.org/2.4.1/core/config/auth/databases/lua.html
--
-- Every look-up opens the database anew: a change that mailctl has committed is in force for the next one, and a
-- look-up that fails leaves nothing behind for the one after it. An error that is raised here is a temporary failure.

local sqlite = require('luasql.sqlite3').sqlite3()

local DIRECTORY = '/srv/directory/directory.db'
-- A commit takes milliseconds, a hundred on slow flash
local COMMIT_MS = 1000

-- All rows of a cursor, or nil and what went wrong. A row that could not be read ends them like the last one does, but
-- with a reason: to take a busy database for an unknown mailbox would send the mail back
local function fetch_all(cursor)
  local rows = {}
  local row, problem = cursor:fetch({}, 'a')
  while row do
    rows[#rows + 1] = row
    row, problem = cursor:fetch({}, 'a')
  end
  if problem then return nil, problem end
  return rows
end

-- Rows of a query in which each %s is one of the values, quoted as SQL text
local function query(statement, ...)
  local directory = assert(sqlite:connect(DIRECTORY, COMMIT_MS))
  local values = { ... }
  for index, value in ipairs(values) do
    values[index] = "'" .. directory:escape(value) .. "'"
  end
  local rows
  local cursor, problem = directory:execute(statement:format(table.unpack(values)))
  if cursor then rows, problem = fetch_all(cursor) end
  directory:close()
  return assert(rows, problem)
end

function auth_passdb_lookup(request)
  -- login 0: suspended. Still receives.
  local found = query('SELECT address, password FROM mailbox WHERE address = %s AND login = 1', request.user)
  if #found == 0 then
    -- the same words as of Dovecot's own databases: fail2ban counts them
    request:log_info('unknown user')
    return dovecot.auth.PASSDB_RESULT_USER_UNKNOWN, ''
  end
  return dovecot.auth.PASSDB_RESULT_OK, { user = found[1].address, password = found[1].password }
end

local MAILBOX = 'SELECT address, quota_bytes FROM mailbox WHERE address = %s'
-- An alias with one target is asked for by Postfix alone, whose question is whether the mailbox behind has room
local ONLY_TARGET = 'SELECT max(target) AS target FROM alias WHERE address = %s GROUP BY address HAVING count(*) = 1'

local function find_mailbox(request)
  local found = query(MAILBOX, request.user)
  if #found > 0 or request.protocol ~= 'quota-status' then return found[1] end
  local alias = query(ONLY_TARGET, request.user)
  return alias[1] and query(MAILBOX, alias[1].target)[1]
end

function auth_userdb_lookup(request)
  local mailbox = find_mailbox(request)
  if not mailbox then return dovecot.auth.USERDB_RESULT_USER_UNKNOWN, 'unknown user' end
  local fields = { user = mailbox.address }
  -- none: the quota of features.quota_default
  local quota = mailbox.quota_bytes
  if quota ~= nil then
    fields.quota_storage_size = tonumber(quota) == 0 and 'unlimited' or string.format('%dB', quota)
  end
  return dovecot.auth.USERDB_RESULT_OK, fields
end

-- For commands about all users
function auth_userdb_iterate()
  local users = {}
  for _, row in ipairs(query('SELECT address FROM mailbox')) do users[#users + 1] = row.address end
  return users
end

-- Passwords and mailboxes for Dovecot, from directory.db. Written by mailctl; changes to this copy are lost.
-- https://doc.dovecot.org/2.4.1/core/config/auth/databases/lua.html
--
-- Every lookup opens the database again: the next lookup sees each commit of mailctl, and a failed lookup cannot
-- affect a later one. Dovecot treats an error raised here as a temporary failure.

local sqlite = require('luasql.sqlite3').sqlite3()

local DIRECTORY = '/srv/directory/directory.db'
-- A commit takes a few milliseconds, up to 100 on slow flash
local COMMIT_MS = 1000

-- All rows of a cursor, or nil and the error. The cursor returns nil both after the last row and for a row it cannot
-- read, the latter with an error: ignoring it would turn a busy database into an unknown mailbox and bounce the mail
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

-- Rows of a query; each %s of the statement is replaced by one of the values, quoted as SQL text
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

-- login = 0: the mailbox is suspended; it still receives mail
local LOGIN = [[SELECT mailbox.address, password, direction, app_passwords_only.address AS app_passwords_only
  FROM mailbox LEFT JOIN one_way USING (address) LEFT JOIN app_passwords_only USING (address)
  WHERE mailbox.address = %s AND login = 1]]
local APP_PASSWORDS = 'SELECT id, use, password FROM app_password WHERE address = %s'
-- Postfix asks as `smtp`; it refuses the mail of receive-only mailboxes itself (submission_client_restrictions)
local SUBMISSION = { smtp = true, submission = true }

-- The client is told the reason after the right password only, and fail2ban does not count it
local function refuse(request, fields, reason)
  if SUBMISSION[request.protocol] then
    request:log_info(reason)
    return dovecot.auth.PASSDB_RESULT_USER_DISABLED, ''
  end
  fields.nologin = 'y'
  fields.reason = reason
  return dovecot.auth.PASSDB_RESULT_OK, fields
end

-- Seconds since 1970, the client and the protocol of the last login with each password, for the account pages; a file for
-- each, by the id of an app password, or by the address. Written at most once a minute
local USED = '/var/lib/mailserver/last-use/'
local written, count = {}, 0

local function remember(request, name)
  local text = tostring(request.remote_ip) .. ' ' .. tostring(request.protocol)
  local now = os.time()
  local last = written[name]
  if last and last.text == text and math.abs(now - last.time) < 60 then return end
  if not last then count = count + 1 end
  if count > 1000 then written, count = {}, 1 end
  written[name] = { text = text, time = now }
  local file = io.open(USED .. '.new', 'w')
  if not file then return end
  file:write(now, ' ', text, '\n')
  file:close()
  os.rename(USED .. '.new', USED .. name)
end

local function is_right(request, stored, password)
  local right, problem = request:password_verify(stored, password)
  if right < 0 then request:log_error(problem) end
  return right > 0
end

-- The row of the app password that this is, or nil
local function find_app_password(request, password)
  for _, row in ipairs(query(APP_PASSWORDS, request.user)) do
    if is_right(request, row.password, password) then return row end
  end
end

function auth_password_verify(request, password)
  local mailbox = query(LOGIN, request.user)[1]
  if not mailbox then
    -- The wording of Dovecot's own passdbs: fail2ban's filter mail-login matches it
    request:log_info('unknown user')
    return dovecot.auth.PASSDB_RESULT_USER_UNKNOWN, ''
  end
  local fields = { user = mailbox.address }
  local sends = SUBMISSION[request.protocol] or false
  -- First: they are fast to check, and the programs that use them are many
  local app = find_app_password(request, password)
  if app then
    if app.use ~= 'all' and sends ~= (app.use == 'send') then
      return refuse(request, fields, 'This app password only ' .. app.use .. 's mail')
    end
  elseif not is_right(request, mailbox.password, password) then
    return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, ''
  elseif mailbox.app_passwords_only then
    return refuse(request, fields, 'This mailbox needs an app password')
  end
  if mailbox.direction == 'send-only' and not sends then
    return refuse(request, fields, 'This mailbox only sends mail')
  end
  remember(request, app and app.id or mailbox.address)
  return dovecot.auth.PASSDB_RESULT_OK, fields
end

local MAILBOX = [[SELECT address, quota_bytes, direction FROM mailbox LEFT JOIN one_way USING (address)
  WHERE address = %s]]
-- Only Postfix's quota-status query resolves an alias with one target: it asks whether that mailbox has room
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
  -- Postfix refuses its mail at RCPT; what was queued before, or comes from inside, ends here
  if request.protocol == 'lmtp' and mailbox.direction == 'send-only' then
    return dovecot.auth.USERDB_RESULT_USER_UNKNOWN, 'receives no mail'
  end
  local fields = { user = mailbox.address }
  -- NULL: features.quota_default applies
  local quota = mailbox.quota_bytes
  if quota ~= nil then
    fields.quota_storage_size = tonumber(quota) == 0 and 'unlimited' or string.format('%dB', quota)
  end
  return dovecot.auth.USERDB_RESULT_OK, fields
end

-- For doveadm commands with -A (all users)
function auth_userdb_iterate()
  local users = {}
  for _, row in ipairs(query('SELECT address FROM mailbox')) do users[#users + 1] = row.address end
  return users
end

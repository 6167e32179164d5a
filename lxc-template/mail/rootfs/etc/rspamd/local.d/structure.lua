-- Rejects a message whose structure would take far too long to parse, before Rspamd parses it: one such message would
-- delay all others. The parser does not limit these: directly nested attached messages cost depth times size (120,000
-- of them: 4 minutes), every part takes 5 KB of memory, every header line 1 KB.
-- The scan is one pass of Rspamd's multi-pattern search. It counts everything that the parser could read as a header
-- or a boundary, at any place, so it finds at least as much structure as the parser.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/structure.lua; changes to this copy are lost.

local trie = require 'rspamd_trie'
local util = require 'rspamd_util'
local logger = require 'rspamd_logger'

local LIMIT = {
  -- Lines of one header; a message to 1000 recipients may have 1000
  header_lines = 5000,
  header_bytes = 1000000,
  -- MIME parts, counted by Content-Type fields and by boundary lines
  parts = 1000,
  -- Lines that begin like a boundary: a patch or an SQL dump in a part has thousands
  dashes = 10000,
  -- Attached messages
  messages = 50,
  -- Levels of attached messages in encoded parts
  depth = 4,
}
-- Bytes; a longer Content-Type is treated as the worst case
local LONGEST_TYPE = 4096
-- Encodings for a body that is decoded both ways
local EITHER = 'base64 quoted'
-- Bytes between a part's Content-Type and its encoding, at most
local LONGEST_HEADER = 16384

-- Plain strings: found in one pass, in the order of the message, with or without Hyperscan
local function searcher(patterns) return trie.create(patterns, trie.flags.icase) end
local fields = searcher {
  '\ncontent-type', '\rcontent-type', '\ncontent-transfer-encoding', '\rcontent-transfer-encoding',
}
local boundaries = searcher { '\n--', '\r--' }
local lines = searcher { '\n' }
local empty = searcher { '\n\n', '\n\r\n' }

local function text_at(content, from, length)
  if from > #content then return '' end
  return content:sub(from, math.min(from + length - 1, #content)):str()
end

--- The position of the first empty line within `length` bytes from `from`, or nil.
local function empty_line(content, from, length)
  if from > #content then return nil end
  local found
  -- Stops at the first match: the cost is the length of the header, not of the message
  empty:match(content:sub(from, math.min(from + length - 1, #content)), function(_, position)
    found = from + position
    return 1
  end)
  return found
end

--- The value of the header field whose name ends before `position`, folded lines included; nil if it is too long.
local function field_value(content, position)
  local value = text_at(content, position, LONGEST_TYPE)
  local ends = value:find('\n[^ \t]')
  if not ends and #value == LONGEST_TYPE then return nil end
  return value:sub(1, ends or #value):lower()
end

local function is_encoded(value)
  return value == nil or value:find('base64') or value:find('base-64') or value:find('quoted') or value:find('uu')
end

--- Positions and values of the Content-Type fields, and of the encodings other than 7bit, 8bit and binary.
local function find_fields(content)
  local types, encodings = {}, {}
  local function note(is_type, position)
    local value = field_value(content, position)
    if is_type then
      types[#types + 1] = { position = position, value = value or 'message multipart pkcs7-mime' }
    elseif is_encoded(value) then
      encodings[#encodings + 1] = { position = position, value = value or EITHER }
    end
  end
  local start = text_at(content, 1, 30):lower()
  if start:find('^content%-type') then note(true, 13) end
  if start:find('^content%-transfer%-encoding') then note(false, 26) end
  fields:match(content, function(kind, position)
    note(kind <= 2, position + 1)
    return (#types > LIMIT.parts or #encodings > LIMIT.parts) and 1 or 0
  end)
  return types, encodings
end

--- Gives each type all encodings of the same header, joined: Rspamd does not document which of two it uses.
local function join_encodings(content, types, encodings)
  local function beside(each, encoding)
    if not encoding then return false end
    local from = math.min(encoding.position, each.position)
    local distance = math.max(encoding.position, each.position) - from
    return distance <= LONGEST_HEADER and not empty_line(content, from, distance)
  end
  local next_one = 1
  for _, each in ipairs(types) do
    while encodings[next_one] and encodings[next_one].position < each.position do next_one = next_one + 1 end
    for _, side in ipairs { { next_one, 1 }, { next_one - 1, -1 } } do
      local index, step = side[1], side[2]
      while beside(each, encodings[index]) do
        each.encoding = (each.encoding or '') .. ' ' .. encodings[index].value
        index = index + step
        -- So many fields may hide the one that counts
        if math.abs(index - next_one) > 4 then each.encoding = EITHER break end
      end
    end
  end
end

--- Parts without an encoding inherit that of the enclosing part.
local function inherited_encoding(types)
  local inherited
  for _, each in ipairs(types) do
    if each.encoding and each.value:find('multipart', 1, true) then
      if inherited and inherited ~= each.encoding then return EITHER end
      inherited = each.encoding
    end
  end
  return inherited
end

--- The boundaries declared by the types; `any` is true if a multipart type has no readable boundary.
local function declared_boundaries(types)
  local declared = { any = false }
  for _, each in ipairs(types) do
    if each.value:find('multipart', 1, true) then
      local found = false
      for _, pattern in ipairs { 'boundary%s*=%s*"([^"\\]+)"', 'boundary%s*=%s*([^%s;"\\()]+)' } do
        for boundary in each.value:gmatch(pattern) do
          declared[boundary] = true
          found = true
        end
      end
      -- Rspamd then uses the first line that looks like a boundary
      if not found then declared.any = true end
    end
  end
  return declared
end

--- The line after the two dashes that end at `position`, as it is and without the dashes of a closing boundary.
local function boundary_at(content, position)
  local line = text_at(content, position + 1, 200):match('^[^\r\n]*'):lower():gsub('%s+$', '')
  return line, (line:gsub('%-%-$', ''))
end

local function header_problem(content, from)
  local ends = empty_line(content, from, LIMIT.header_bytes)
  if not ends and #content - from >= LIMIT.header_bytes then return 'a header that is too long' end
  local count = 0
  lines:match(content:sub(from, ends or #content), function()
    count = count + 1
    return count > LIMIT.header_lines and 1 or 0
  end)
  -- Without an empty line the text is not a header
  return ends and count > LIMIT.header_lines and 'too many header lines' or nil
end

--- Counts the lines that begin like a boundary, and the declared boundaries, each of which begins a part.
local function boundary_problem(content, types, seen)
  local declared, problem, dashes = declared_boundaries(types), nil, 0
  boundaries:match(content, function(_, position)
    dashes = dashes + 1
    local line, plain = boundary_at(content, position)
    if declared.any or declared[line] or declared[plain] then
      seen.parts = seen.parts + 1
      problem = header_problem(content, position + 1)
    end
    if seen.parts > LIMIT.parts then problem = 'too many parts' end
    if dashes > LIMIT.dashes then problem = 'too many lines that look like boundaries' end
    return problem and 1 or 0
  end)
  return problem
end

--- The encoded body after the header that contains `position`, up to the next declared boundary.
local function encoded_body(content, position, declared)
  local blank = empty_line(content, position, #content)
  if not blank then return nil end
  local body, ends = content:sub(blank, #content), nil
  boundaries:match(body, function(_, at)
    local line, plain = boundary_at(body, at)
    if not (declared[line] or declared[plain]) then return 0 end
    ends = at
    return 1
  end)
  return ends and body:sub(1, ends) or body
end

local measure

--- The exceeded limit in a part that Rspamd decodes before it parses it, or nil.
local function decoded_problem(body, part, seen)
  if part.encoding:find('uu') then return 'an attached message in uuencode' end
  for name, decode in pairs { base = util.decode_base64, quoted = util.decode_qp } do
    local decoded = part.encoding:find(name, 1, true) and decode(body)
    -- A PKCS#7 part has no message header of its own before its envelope is removed
    local problem = decoded and ((part.is_message and header_problem(decoded, 1)) or measure(decoded, seen))
    if problem then return problem end
  end
  return nil
end

--- The exceeded limit in encoded attached messages and PKCS#7 parts, or nil.
local function encoded_problem(content, types, seen)
  local declared, inherited = declared_boundaries(types), inherited_encoding(types)
  for _, each in ipairs(types) do
    local part = { encoding = each.encoding or inherited, is_message = each.value:find('message', 1, true) }
    if part.encoding and (part.is_message or each.value:find('pkcs7-mime', 1, true)) then
      seen.encoded = seen.encoded + 1
      if seen.encoded > LIMIT.messages then return 'too many encoded messages' end
      local body = encoded_body(content, each.position, declared)
      local problem = body and decoded_problem(body, part, seen)
      if problem then return problem end
    end
  end
  return nil
end

--- The exceeded limit, or nil. `seen` counts over all levels of decoding.
measure = function(content, seen)
  local types, encodings = find_fields(content)
  if #types > LIMIT.parts or #encodings > LIMIT.parts then return 'too many parts' end
  join_encodings(content, types, encodings)
  local structured, inherited = false, inherited_encoding(types)
  for _, each in ipairs(types) do
    local attached = each.value:find('message', 1, true)
    structured = structured or attached or each.value:find('multipart', 1, true)
    if attached then
      seen.messages = seen.messages + 1
      if seen.messages > LIMIT.messages then return 'too many attached messages' end
      local body = not (each.encoding or inherited) and empty_line(content, each.position, LIMIT.header_bytes)
      local problem = body and header_problem(content, body)
      if problem then return problem end
    end
  end
  if seen.depth >= LIMIT.depth then return 'too many encoded messages inside one another' end
  seen.depth = seen.depth + 1
  local problem = (structured and boundary_problem(content, types, seen)) or encoded_problem(content, types, seen)
  seen.depth = seen.depth - 1
  return problem
end

--- False for plain text, even if it looks like MIME: Rspamd searches for parts only if the message's own type has any.
local function may_have_parts(content)
  local header = content:sub(1, empty_line(content, 1, #content) or #content)
  for _, each in ipairs(find_fields(header)) do
    for _, kind in ipairs { 'message', 'multipart', 'pkcs7-mime' } do
      if each.value:find(kind, 1, true) then return true end
    end
  end
  return false
end

local function check(task)
  local content = task:get_content()
  local problem = header_problem(content, 1)
  if not problem and may_have_parts(content) then
    problem = measure(content, { messages = 0, parts = 0, encoded = 0, depth = 0 })
  end
  if not problem then return end
  logger.warnx(task, 'structure: refused, the message has %s', problem)
  task:set_pre_result('reject', 'Message has ' .. problem, 'structure')
  -- Rspamd does not parse a skipped message
  task:set_flag('skip')
end

rspamd_config:register_symbol {
  name = 'STRUCTURE',
  -- The only type that runs before the parser
  type = 'connfilter',
  flags = 'empty,nostat,explicit_disable,ignore_passthrough',
  priority = 20,
  callback = check,
}

-- What one message may cost: bytes of text that are read, and workers that it ends.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/effort.lua; changes to this copy are lost.

local hash = require 'rspamd_cryptobox_hash'
local logger = require 'rspamd_logger'
local magic = require 'lua_magic'

-- Bytes of text that are searched for words and links: 0.25 s a million on x86-64, more than a second on a slow router
local MOST_TEXT = 2000000
-- Workers that one message may end before it is refused for good
local MOST_TRIES = 3
-- In bytes; what is smaller cannot take seconds
local SMALL = 65536
-- Made by the service's run script, empty at each start
local UNFINISHED = '/run/rspamd/unfinished'

--- Rspamd asks this of every part, in their order. What is beyond the limit is text no more: no words, no links.
local detect = magic.detect_mime_part
magic.detect_mime_part = function(part, task)
  local extension, found = detect(part, task)
  local kind = part:get_type()
  if kind ~= 'text' and (not found or found.type ~= 'text') then return extension, found end
  local size = (task:cache_get('effort_text') or 0) + part:get_length()
  if size > MOST_TEXT then
    return extension, { ct = found and found.ct, type = found and found.type, no_text = true }
  end
  task:cache_set('effort_text', size)
  return extension, found
end

local function tries_so_far(path)
  local file = io.open(path)
  if not file then return 0 end
  local number = file:read('*n') or 0
  file:close()
  return number
end

--- Leaves a file while a message is parsed, with the number of times that this was begun. Rspamd's main process ends a
--- worker that does not come back from a message (heartbeats_loss_max), and the sender tries again: not for ever.
local function begin_parsing(task)
  local content = task:get_content()
  if #content < SMALL then return end
  local path = UNFINISHED .. '/' .. hash.create(content):hex()
  local tries = tries_so_far(path)
  if tries >= MOST_TRIES then
    logger.warnx(task, 'effort: refused, the message has ended %s workers', tries)
    task:set_pre_result('reject', 'Message cannot be examined', 'effort')
    -- Rspamd parses nothing that is skipped
    task:set_flag('skip')
    return
  end
  local file, failure = io.open(path, 'w')
  if not file then
    logger.errx(task, 'effort: %s', failure)
    return
  end
  file:write(tries + 1)
  file:close()
  task:cache_set('effort_file', path)
end

local function end_parsing(task)
  local path = task:cache_get('effort_file')
  if path then os.remove(path) end
end

rspamd_config:register_symbol {
  name = 'EFFORT_BEGIN',
  -- the only kind that runs before the parser; after STRUCTURE, and not for what that refuses
  type = 'connfilter',
  priority = 10,
  flags = 'empty,nostat,explicit_disable',
  callback = begin_parsing,
}

rspamd_config:register_symbol {
  name = 'EFFORT_END',
  -- the first to run after the parser
  type = 'prefilter',
  priority = 100,
  flags = 'empty,nostat,explicit_disable,ignore_passthrough',
  callback = end_parsing,
}

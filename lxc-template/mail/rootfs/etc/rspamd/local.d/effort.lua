-- Limits the cost of one message: the bytes of text that are searched, and the workers that it hangs.
-- Written by mailctl from lxc-template/mail/rootfs/etc/rspamd/local.d/effort.lua; changes to this copy are lost.

local ffi = require 'ffi'
local hash = require 'rspamd_cryptobox_hash'
local logger = require 'rspamd_logger'
local magic = require 'lua_magic'

-- Bytes of text searched for words and links; a million take 0.25 s on x86-64, more than 1 s on a slow router
local MOST_TEXT = 2000000
-- A message that has hung this many workers is rejected permanently
local MOST_TRIES = 3
-- Bytes; a smaller message cannot take seconds
local SMALL = 65536
-- Created by the service's run script, empty at each start
local UNFINISHED = '/run/rspamd/unfinished'

--- Rspamd calls this for every part, in order. Text beyond the limit is not treated as text: no words, no links.
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

-- Rspamd's main process ends a worker that hangs with SIGTERM first (heartbeats_loss_max). A worker that has recovered by
-- then would stop accepting, end with status 0, and never be replaced: rspamd_check_termination_clause in
-- https://github.com/rspamd/rspamd/blob/3.12.1/src/libserver/worker_util.c. One that is ended by the signal is replaced.
local SIGTERM = 15
ffi.cdef 'void *signal(int number, void *handler);'
rspamd_config:add_on_load(function(_, _, worker)
  if worker:get_name() == 'rspamd_proxy' then ffi.C.signal(SIGTERM, nil) end
end)

local function tries_so_far(path)
  local file = io.open(path)
  if not file then return 0 end
  local number = file:read('*n') or 0
  file:close()
  return number
end

--- Keeps a file with the number of attempts while a message is parsed. Rspamd's main process kills a worker that hangs
--- (heartbeats_loss_max), and the sender retries; the file bounds the number of retries.
local function begin_parsing(task)
  local content = task:get_content()
  if #content < SMALL then return end
  local path = UNFINISHED .. '/' .. hash.create(content):hex()
  local tries = tries_so_far(path)
  if tries >= MOST_TRIES then
    logger.warnx(task, 'effort: refused, the message has ended %s workers', tries)
    task:set_pre_result('reject', 'Message cannot be examined', 'effort')
    -- Rspamd does not parse a skipped message
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
  -- The only type that runs before the parser; after STRUCTURE, and not for messages that STRUCTURE rejects
  type = 'connfilter',
  priority = 10,
  flags = 'empty,nostat,explicit_disable',
  callback = begin_parsing,
}

rspamd_config:register_symbol {
  name = 'EFFORT_END',
  -- Runs first after the parser
  type = 'prefilter',
  priority = 100,
  flags = 'empty,nostat,explicit_disable,ignore_passthrough',
  callback = end_parsing,
}

// The section `mesh`: backups on other boxes, and those of other boxes here.

import { boolean, duration, integer, port, size } from './kinds.ts';
import { peer } from './names.ts';
import { hostAddresses } from './networks.ts';
import { list, option, section } from './option.ts';

export const mesh = section('mesh', 'Backups on other routers, disks and object stores', {
  enabled: option(
    boolean(),
    '0',
    'back up to the peers, and keep the backups of boxes that are added here; mailctl mesh enable sets it',
  ),
  backup_peers: list(
    peer(),
    '',
    'peers that keep a backup: fingerprints, file:///folder, s3://bucket/prefix; mailctl mesh add-peer sets it',
  ),
  sync_interval: option(duration('1m', '30d'), '3600', 'interval between backups'),
  listen: hostAddresses(
    '*',
    "addresses of this host that answer peers; '*': all, 'none': no address",
  ),
  port: option(port(), '7332', 'TCP port that answers peers (TLS, both certificates pinned)'),
  quota: option(size('1M', '1024T'), '20G', 'space here for the backups of each peer'),
  protect: option(
    duration('1d', '52w'),
    '14d',
    'time for which nothing that a peer has stored here can be deleted or replaced',
  ),
  keep_hourly: option(integer(0, 1000), '24', 'hours of which a peer keeps the newest backup'),
  keep_daily: option(integer(0, 1000), '7', 'days of which a peer keeps the newest backup'),
  keep_weekly: option(integer(0, 1000), '4', 'weeks of which a peer keeps the newest backup'),
  keep_monthly: option(integer(0, 1000), '6', 'months of which a peer keeps the newest backup'),
});

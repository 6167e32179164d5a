// The options of the section `web`: what people meet over HTTPS.

import { boolean, integer, optional, orOff, port, sha256, size } from './kinds.ts';
import { fileOrUrl } from './names.ts';
import { hostCidr } from './networks.ts';
import { option, section } from './option.ts';

/** 2³² − 2·65536: leaves room for the container's 65536 ids below the invalid id -1. */
export const MAX_IDMAP_BASE = 4_294_836_224;

export const web = section('web', 'Pages over HTTPS, in a container of their own', {
  enabled: option(
    boolean(),
    '0',
    'offer pages over HTTPS, and run the web container where it is installed; mailctl webmail install sets it',
  ),
  address: option(
    optional(hostCidr(4)),
    '',
    'IPv4 address of the web container; empty: the one after that of the mail container, on a bridge of mailctl',
  ),
  address6: option(
    optional(hostCidr(6)),
    '',
    'IPv6 address of the web container, or a suffix such as ::26/64; empty: none',
  ),
  http: option(orOff(port()), '80', 'port that redirects plain HTTP; 0: none'),
  https: option(port(), '443', 'port of HTTPS'),
  image: option(
    optional(fileOrUrl()),
    '',
    'image of the web container; empty: the installed image, or one built on this host',
  ),
  image_sha256: option(
    optional(sha256()),
    '',
    'SHA-256 of web.image; required for an http:// address',
  ),
  memory: option(size('128M', '1T'), '256M', 'memory limit of the web container'),
  idmap_base: option(
    optional(integer(65536, MAX_IDMAP_BASE)),
    '',
    "first of the 65536 user ids of the web container on this host; empty: those after main.idmap_base's",
  ),
});

// The options of the section `ssl`: the source of the certificate.

import { oneOf, optional } from './kinds.ts';
import { path, recipient } from './names.ts';
import { type Kind, option, section } from './option.ts';

/** An ACME directory; RFC 8555 6.1 requires HTTPS. */
function directoryUrl(): Kind<string> {
  return {
    expected: 'the URL of an ACME directory (https://…)',
    parse: (text) => {
      const isUrl = /^https:\/\/[!-~]+$/.test(text) && text.length <= 1000 && URL.canParse(text);
      return isUrl && !/["'\\`]/.test(text) ? text : undefined;
    },
  };
}

function keyIdentifier(): Kind<string> {
  return {
    expected: 'a key identifier (1–256 printable ASCII characters, no blank)',
    parse: (text) => (/^[!-~]{1,256}$/.test(text) ? text : undefined),
  };
}

function bindingKey(): Kind<string> {
  return {
    expected: 'a MAC key in base64url',
    isSecret: true,
    parse: (text) => (/^[A-Za-z0-9_-]{16,512}={0,2}$/.test(text) ? text : undefined),
  };
}

export const ssl = section('ssl', 'The certificate', {
  type: option(
    oneOf('letsencrypt', 'manual', 'selfsigned'),
    'letsencrypt',
    'source of the certificate',
  ),
  cert_path: option(
    optional(path()),
    '',
    'for manual: file with the certificate and its chain (PEM)',
  ),
  key_path: option(optional(path()), '', 'for manual: file with the private key (PEM)'),
  directory: option(
    directoryUrl(),
    'https://acme-v02.api.letsencrypt.org/directory',
    "for letsencrypt: the CA's ACME directory (RFC 8555)",
  ),
  contact: option(
    optional(recipient()),
    '',
    'for letsencrypt: contact address for the CA; empty: the postmaster',
  ),
  key_type: option(oneOf('ec', 'rsa'), 'ec', 'for letsencrypt: ECDSA P-256, or RSA 2048'),
  eab_kid: option(
    optional(keyIdentifier()),
    '',
    'for letsencrypt: external account binding, key identifier from the CA',
  ),
  eab_hmac: option(
    optional(bindingKey()),
    '',
    'for letsencrypt: external account binding, MAC key from the CA',
  ),
  ca_file: option(
    optional(path()),
    '',
    'for letsencrypt: CA certificates (PEM) that verify the HTTPS server of a private CA',
  ),
});

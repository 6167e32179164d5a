// The options of the section `spam`: scores of the filter, and the senders that it passes or rejects.

import { decimal, oneOf } from './kinds.ts';
import { list, option, section } from './option.ts';
import { senderOrNetwork } from './senders.ts';

export const spam = section('spam', 'Spam filter and unwanted senders', {
  junk_score: option(decimal(0, 1000), '6', 'score from which a message is filed under Junk'),
  greylist_score: option(
    decimal(0, 1000),
    '4',
    'score from which a message from an unknown server is deferred',
  ),
  reject_score: option(decimal(0, 1000), '15', 'score from which a message is rejected'),
  own_domain_forgery: option(
    oneOf('junk', 'reject', 'accept'),
    'junk',
    'action for unauthenticated mail whose sender is in a mail domain of this server, if neither SPF nor DKIM verifies it; requires features.spf and features.dkim',
  ),
  dmarc_failure: option(
    oneOf('junk', 'reject'),
    'junk',
    'action for mail that fails DMARC where the sender domain publishes p=reject; reject also refuses messages of its users that a mailing list has changed',
  ),
  missing_rdns: option(
    oneOf('accept', 'reject'),
    'accept',
    'action for servers whose address has no name in the DNS (PTR); networks of spam.allow are exempt',
  ),
  allow: list(
    senderOrNetwork(),
    '',
    'senders and networks whose mail is neither scored nor greylisted; a sender counts only if SPF or DKIM verifies it; viruses, own_domain_forgery and DMARC are checked all the same',
  ),
  deny: list(
    senderOrNetwork(),
    '',
    'senders (envelope and header From) and networks whose mail is rejected, with precedence over allow',
  ),
});

// Parsers of the output of postqueue, postsuper and fail2ban-client, and of the delivery log of a test message.

import { describe, expect, test } from 'bun:test';
import { parseBanAddress, parseBans } from '../../../src/appliance/mail/fail2ban.ts';
import { parseCount, parseQueue, parseQueueId } from '../../../src/appliance/mail/queue.ts';
import { concludeFate, parseSubmission } from '../../../src/appliance/mail/test-message.ts';
import {
  isDecided,
  learnFrom,
  UNKNOWN_FATE,
} from '../../../src/appliance/mail/test-message-log.ts';

describe('queue', () => {
  test('messages are parsed with their delay reasons, oldest first', () => {
    const text =
      '{"queue_name": "deferred", "queue_id": "4jWdjv4LhZznQMS", "arrival_time": 1795233539, "message_size": 448, "forced_expire": false, "sender": "postmaster@ho.test", "recipients": [{"address": "x@10.example.test", "delay_reason": "try again"}]}\n' +
      '{"queue_name": "active", "queue_id": "4jWdjv28hlznQMM", "arrival_time": 1795233538, "message_size": 1, "forced_expire": false, "sender": "", "recipients": [{"address": "y@example.test"}]}\n';

    expect(parseQueue(text)).toEqual([
      {
        id: '4jWdjv28hlznQMM',
        queue: 'active',
        arrived: new Date(1795233538_000),
        size: 1,
        sender: '',
        recipients: [{ address: 'y@example.test', reason: null }],
      },
      {
        id: '4jWdjv4LhZznQMS',
        queue: 'deferred',
        arrived: new Date(1795233539_000),
        size: 448,
        sender: 'postmaster@ho.test',
        recipients: [{ address: 'x@10.example.test', reason: 'try again' }],
      },
    ]);
    expect(parseQueue('')).toEqual([]);
  });

  test('control characters of senders and remote servers are removed', () => {
    const text =
      '{"queue_name":"deferred","queue_id":"A1B2C3","arrival_time":1,"message_size":1,"sender":"a\\u001b[31m@b","recipients":[{"address":"c","delay_reason":"said: \\u001b]0;x\\u0007no"}]}\n';

    const [message] = parseQueue(text);

    expect(message?.sender).toBe('a[31m@b');
    expect(message?.recipients[0]?.reason).toBe('said: ]0;xno');
  });

  test.each(['4jWdjv4LhZznQMS', 'A1B2C3D4E5'])('%p is a queue id', (text) => {
    expect(String(parseQueueId(text))).toBe(text);
  });

  test.each(['ALL', '-d', '', '../../etc/passwd', 'A1B2C3 ALL', 'A1B2C3\n', 'A'.repeat(41)])(
    '%p is not a queue id',
    (text) => {
      expect(() => parseQueueId(text)).toThrow('is not in the queue');
    },
  );

  test.each([
    ['postsuper: Placed on hold: 1 message\n', 1],
    ['postsuper: 4jW: removed\npostsuper: Deleted: 12 messages\n', 12],
    ['postsuper: Released from hold: 2 messages\n', 2],
    ['', 0],
  ])('the postsuper output %p counts %d messages', (said, count) => {
    expect(parseCount(said)).toBe(count);
  });
});

describe('fail2ban', () => {
  test('bans are parsed with their jails, IPv6 included', () => {
    const said = "[{'mail-login': ['192.0.2.9', '2001:db8::9']}, {'mail-abuse': []}]\n";

    expect(parseBans(said)).toEqual([
      { address: '192.0.2.9', jail: 'mail-login' },
      { address: '2001:db8::9', jail: 'mail-login' },
    ]);
  });

  test.each(['1;2', '--all', '192.0.2.300', 'mail.example.com', ''])(
    '%p is not an address to unban',
    (text) => {
      expect(() => parseBanAddress(text)).toThrow('is not an IP address');
    },
  );
});

describe('test message', () => {
  const id = '4jWdjv28hlznQMM';
  const log = (program: string, text: string) =>
    `mail.info: Nov 21 03:58:55 postfix/${program}[12]: ${id}: ${text}`;
  const sent = (to: string, status: string, words: string) =>
    log(
      'smtp',
      `to=<${to}>, relay=mx.example.org[192.0.2.3]:25, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=${status} (${words})`,
    );
  const learn = (lines: readonly string[]) =>
    lines.reduce((fate, line) => learnFrom(fate, line, id), UNKNOWN_FATE);

  test('an accepted message has a queue id', () => {
    const answers = '220 mail ESMTP\r\n250 2.1.0 Ok\r\n250 2.0.0 Ok: queued as 4jWdjv28hlznQMM\r\n';

    expect(parseSubmission(answers)).toEqual({ queueId: id });
  });

  test.each([
    ['550 5.1.1 <x@y>: User unknown', false],
    ['451 4.7.1 Service unavailable - try again later', true],
  ])('%p is a refusal', (refused, temporary) => {
    expect(parseSubmission(`220 mail ESMTP\r\n${refused}\r\n`)).toEqual({ refused, temporary });
  });

  test('a missing reply of Postfix is an error', () => {
    expect(() => parseSubmission('')).toThrow('did not accept the message');
  });

  test('delivery, DKIM signature and removal from the queue are read from the log', () => {
    const signed = `mail.info: Nov 21 03:58:55 opendkim[9]: ${id}: DKIM-Signature field added (s=mail, d=a)`;
    const fate = learn([signed, sent('x@example.org', 'sent', '250 ok'), log('qmgr', 'removed')]);

    expect(fate).toMatchObject({ signed: true, finished: true });
    expect(concludeFate(fate)).toEqual({
      outcome: 'delivered',
      words: '250 ok',
      relay: 'mx.example.org[192.0.2.3]:25',
    });
  });

  test('the outcome is the worst one of all recipients, by the last log line of each', () => {
    const fate = learn([
      sent('a@example.org', 'deferred', 'later'),
      sent('a@example.org', 'sent', '250 ok'),
      sent('b@example.org', 'bounced', 'no such user (really)'),
    ]);

    expect(concludeFate(fate)).toMatchObject({
      outcome: 'bounced',
      words: 'no such user (really)',
    });
  });

  test('a deferred message is decided, a message without a log line is not', () => {
    expect(isDecided(learn([sent('a@example.org', 'deferred', 'greylisted')]))).toBe(true);
    expect(isDecided(UNKNOWN_FATE)).toBe(false);
    expect(concludeFate(UNKNOWN_FATE).outcome).toBe('waiting');
  });

  test('log lines of other messages are ignored', () => {
    expect(learn([sent('a@b', 'sent', 'ok').replace(id, 'OTHER12345')])).toEqual(UNKNOWN_FATE);
  });
});

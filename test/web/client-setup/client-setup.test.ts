// The ways in which mail programs ask for their settings, followed as they do it: the payloads of Thunderbird, Outlook and
// iOS, and what each must find in the answer.

import { beforeEach, describe, expect, test } from 'bun:test';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { Reply, ServerFacts } from '../../../src/front/requests.ts';
import { createDesk } from '../../../src/web/ask.ts';
import { createWeb } from '../../../src/web/web.ts';

const FACTS: ServerFacts = {
  hostname: 'mail.example.com',
  domains: ['example.com', 'example.org'],
  ports: { imaps: 993, imap: 143, pop3s: null, pop3: null, smtps: 465, submission: 587 },
  mtaSts: 'version: STSv1\r\nmode: testing\r\nmx: mail.example.com\r\nmax_age: 86400\r\n',
};
const ALICE = 'alice@example.com';
const NOW = new Date('2026-11-21T15:04:05.678Z');

let facts: ServerFacts;
let app: ReturnType<typeof createWeb>;

beforeEach(() => {
  facts = FACTS;
  const reply = (): Reply<'server'> => ({ ok: true, answer: facts });
  const desk = createDesk({ send: async () => JSON.stringify(reply()), now: () => NOW.getTime() });
  app = createWeb({ desk, now: () => NOW, log: () => undefined });
});

const get = (url: string) => {
  const { host } = new URL(url);
  return app.request(url, { headers: { Host: host } });
};

const read = (text: string): unknown => {
  expect(XMLValidator.validate(text)).toBe(true);
  return new XMLParser({ ignoreAttributes: false, parseTagValue: false }).parse(text);
};

interface Mozilla {
  clientConfig: {
    '@_version': string;
    emailProvider: {
      '@_id': string;
      domain: string;
      incomingServer: Record<string, string>[];
      outgoingServer: Record<string, string>[];
    };
  };
}

describe('Thunderbird', () => {
  test.each([
    `https://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=${ALICE}`,
    `https://example.com/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=${ALICE}`,
    `https://mail.example.com/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=${ALICE}`,
  ])('finds the servers at %s', async (url) => {
    const response = await get(url);

    expect(response.headers.get('content-type')).toBe('text/xml; charset=utf-8');
    const { clientConfig } = read(await response.text()) as Mozilla;
    const { emailProvider } = clientConfig;
    expect([clientConfig['@_version'], emailProvider['@_id'], emailProvider.domain]).toEqual([
      ...['1.1', 'example.com', 'example.com'],
    ]);
    const server = (type: string, port: string, socketType: string) => ({
      '@_type': type,
      hostname: 'mail.example.com',
      port,
      socketType,
      authentication: 'password-cleartext',
      username: ALICE,
    });
    expect(emailProvider.incomingServer).toEqual([
      server('imap', '993', 'SSL'),
      server('imap', '143', 'STARTTLS'),
    ]);
    expect(emailProvider.outgoingServer).toEqual([
      server('smtp', '465', 'SSL'),
      server('smtp', '587', 'STARTTLS'),
    ]);
  });

  test('without an address gets the placeholder, and a foreign one nothing', async () => {
    const own = await get('https://autoconfig.example.org/mail/config-v1.1.xml');
    expect(await own.text()).toContain('<username>%EMAILADDRESS%</username>');
    const path = '/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=bob@evil.example';
    expect((await get(`https://mail.example.com${path}`)).status).toBe(404);
    expect((await get('https://autoconfig.evil.example/mail/config-v1.1.xml')).status).toBe(421);
  });

  test('finds only what is on', async () => {
    facts = { ...FACTS, ports: { ...FACTS.ports, imap: null, pop3s: 995, submission: null } };
    const text = await (await get('https://autoconfig.example.com/mail/config-v1.1.xml')).text();

    expect([...text.matchAll(/<port>(\d+)/g)].map(([, port]) => port)).toEqual([
      '993',
      '995',
      '465',
    ]);
  });
});

interface Outlook {
  Autodiscover: {
    '@_xmlns': string;
    Response: {
      '@_xmlns'?: string;
      Account?: { AccountType: string; Action: string; Protocol: Record<string, string>[] };
      Error?: { ErrorCode: string };
    };
  };
}

describe('Outlook', () => {
  const request = (address: string) => `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>${address}</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
</Request></Autodiscover>`;
  const post = (url: string, body: string) =>
    app.request(url, {
      method: 'POST',
      body,
      headers: { Host: new URL(url).host, 'Content-Type': 'text/xml' },
    });
  const answer = async (response: Response | Promise<Response>) =>
    (read(await (await response).text()) as Outlook).Autodiscover;

  test.each([
    'https://autodiscover.example.com/autodiscover/autodiscover.xml',
    'https://autodiscover.example.com/Autodiscover/Autodiscover.xml',
    'https://example.com/AutoDiscover/AutoDiscover.xml',
  ])('gets the settings from %s', async (url) => {
    const { Response, '@_xmlns': namespace } = await answer(post(url, request(ALICE)));

    expect(namespace).toBe(
      'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006',
    );
    expect(Response['@_xmlns']).toEndWith('/outlook/responseschema/2006a');
    const { AccountType, Action, Protocol = [] } = Response.Account ?? { Protocol: [] };
    expect([AccountType, Action]).toEqual(['email', 'settings']);
    const brief = Protocol.map(({ Type, Server, Port, LoginName, SSL, Encryption }) =>
      [Type, Server, Port, LoginName, SSL, Encryption].join(' '),
    );
    expect(brief).toEqual([
      `IMAP mail.example.com 993 ${ALICE} on SSL`,
      `IMAP mail.example.com 143 ${ALICE} off TLS`,
      `SMTP mail.example.com 465 ${ALICE} on SSL`,
      `SMTP mail.example.com 587 ${ALICE} off TLS`,
    ]);
  });

  test('may ask with GET', async () => {
    const url = `https://autodiscover.example.com/autodiscover/autodiscover.xml?Email=${ALICE}`;

    expect((await answer(get(url))).Response.Account?.Action).toBe('settings');
  });

  test.each([
    ['no XML', 'x', '600'],
    ['no address', request('').replace(/<EMailAddress>.*<\/EMailAddress>/, ''), '600'],
    ['a foreign address', request('bob@evil.example'), '500'],
    ['markup in the address', request('a&lt;b&gt;@example.com'), '500'],
    [
      'entities that would expand',
      `<!DOCTYPE a [<!ENTITY x "${ALICE}">]>${request('&x;').replace(/^<\?.*\?>\n/, '')}`,
      '500',
    ],
  ])('gets an error for %s', async (_, body, code) => {
    const url = 'https://autodiscover.example.com/autodiscover/autodiscover.xml';

    expect((await answer(post(url, body))).Response.Error?.ErrorCode).toBe(code);
  });

  test('finds the XML by the JSON of version 2, and no Exchange', async () => {
    const json = (query: string) =>
      get(`https://autodiscover.example.com/autodiscover/autodiscover.json${query}`);

    const found = await json(`/v1.0/${ALICE}?Protocol=AutodiscoverV1`);
    expect(await found.json()).toEqual({
      Protocol: 'AutodiscoverV1',
      Url: 'https://autodiscover.example.com/autodiscover/autodiscover.xml',
    });
    expect((await json(`?Email=${ALICE}&Protocol=AutodiscoverV1`)).status).toBe(200);
    const exchange = await json(`?Email=${ALICE}&Protocol=ActiveSync`);
    expect([exchange.status, await exchange.json()]).toMatchObject([
      400,
      { ErrorCode: 'ProtocolNotSupported' },
    ]);
  });
});

describe('iOS and macOS', () => {
  const profile = (address: string) =>
    get(`https://mail.example.com/profile?address=${encodeURIComponent(address)}`);

  test('get a profile for one account, in which keys and values alternate', async () => {
    const response = await profile('Alice@Example.com');
    const text = await response.text();

    expect(response.headers.get('content-type')).toStartWith('application/x-apple-aspen-config');
    expect(XMLValidator.validate(text)).toBe(true);
    const pair = (key: string, value: string) =>
      expect(text).toContain(`<key>${key}</key>${value}`);
    pair('EmailAccountType', '<string>EmailTypeIMAP</string>');
    pair('EmailAddress', `<string>${ALICE}</string>`);
    pair('IncomingMailServerHostName', '<string>mail.example.com</string>');
    pair('IncomingMailServerPortNumber', '<integer>993</integer>');
    pair('IncomingMailServerUseSSL', '<true/>');
    pair('OutgoingMailServerPortNumber', '<integer>465</integer>');
    pair('OutgoingPasswordSameAsIncomingPassword', '<true/>');
    pair('PayloadType', '<string>com.apple.mail.managed</string>');
    expect(text).not.toContain('Password</key><string>');
    const ids = [...text.matchAll(/<key>PayloadUUID<\/key><string>([^<]+)</g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-8[0-9A-F]{3}-[0-9A-F]{12}$/);
    }
    expect(await (await profile(ALICE)).text()).toBe(text);
  });

  test.each(['bob@evil.example', '', '"><x>@example.com', `${'a'.repeat(65)}@example.com`])(
    'get none for %p',
    async (address) => {
      expect((await profile(address)).status).toBe(404);
    },
  );
});

describe('the names', () => {
  test('mta-sts has the policy and nothing else', async () => {
    const policy = await get('https://mta-sts.example.org/.well-known/mta-sts.txt');
    expect(policy.headers.get('content-type')).toStartWith('text/plain');
    expect(await policy.text()).toBe(FACTS.mtaSts ?? '');
    expect((await get('https://mta-sts.example.org/account')).status).toBe(404);
    expect((await get('https://mail.example.com/.well-known/mta-sts.txt')).status).toBe(404);
  });

  test('autoconfig and autodiscover have no pages', async () => {
    for (const name of ['autoconfig.example.com', 'autodiscover.example.com', 'example.com']) {
      expect([name, (await get(`https://${name}/account`)).status]).toEqual([name, 404]);
    }
  });
});

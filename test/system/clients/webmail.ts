// A browser for Roundcube without scripts: the forms and requests that its pages make, through curl, which checks the
// certificate. Cookies are kept in a file.

import type { Finished } from '../lab/programs.ts';

export interface WebmailPlace {
  /** Runs a program on the client's host. */
  run(argv: string[]): Promise<Finished>;
  /** Name in the URL. */
  name: string;
  /** Address of the server as seen from the client. */
  address: string;
  port?: number;
  /** File with the CA certificates that the client trusts. */
  trusted: string;
  /** File for the cookies. */
  cookies: string;
  /** Further request headers. */
  headers?: string[];
}

export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Map<string, string>;
  body: string;
}

function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(' ')[1]),
    headers: new Map(headers),
    body: text.slice(end + 4),
  };
}

/** One request; redirects are not followed. Throws when the connection or the check of the certificate fails. */
export async function request(
  place: WebmailPlace,
  path: string,
  form?: Record<string, string>,
): Promise<Answer> {
  const { name, address, port = 443, trusted, cookies } = place;
  const fields = Object.entries(form ?? {}).flatMap(([key, value]) => [
    '--data-urlencode',
    `${key}=${value}`,
  ]);
  const headers = (place.headers ?? []).flatMap((header) => ['-H', header]);
  const { status, stdout, stderr } = await place.run([
    ...['curl', '-sS', '-i', '--http1.1', '--max-time', '30', '--cacert', trusted],
    ...['--resolve', `${name}:${port}:${address}`, '-b', cookies, '-c', cookies],
    ...[...headers, ...fields],
    `https://${name}:${port}${path}`,
  ]);
  if (status !== 0) throw new Error(`curl ${path} ended with status ${status}: ${stderr}`);
  return parseAnswer(stdout);
}

const find = (pattern: RegExp, text: string, what: string): string => {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`no ${what} in the answer: ${text.slice(0, 500)}`);
  return found;
};

/** The answer to the login form: 302 to the mailbox, or 401. */
export async function logIn(place: WebmailPlace, user: string, password: string): Promise<Answer> {
  const page = await request(place, '/');
  const token = find(/name="_token" value="([^"]+)"/, page.body, 'token of the login form');
  const fixed = { _task: 'login', _action: 'login', _timezone: 'UTC', _url: '' };
  const given = { _token: token, _user: user, _pass: password };
  return request(place, '/?_task=login', { ...fixed, ...given });
}

/** Roundcube's list of a folder, as its page gets it. */
export async function listFolder(place: WebmailPlace, folder: string): Promise<string> {
  const list = `/?_task=mail&_action=list&_mbox=${folder}&_refresh=1&_remote=1`;
  return (await request(place, list)).body;
}

export interface Letter {
  to: string;
  subject: string;
  text: string;
}

/** Returns the page that Roundcube shows after sending. */
export async function send(place: WebmailPlace, { to, subject, text }: Letter): Promise<string> {
  const start = await request(place, '/?_task=mail&_action=compose');
  const location = find(/(\/?\?.*_action=compose.*)/, start.headers.get('location') ?? '', 'form');
  const form = await request(place, location.startsWith('/') ? location : `/${location}`);
  const token = find(/"request_token":"([^"]+)"/, form.body, 'token of the form');
  const id = find(/"compose_id":"([^"]+)"/, form.body, 'id of the message');
  const from = find(
    /<select[^>]*name="_from"[^>]*>\s*<option value="(\d+)"/,
    form.body,
    'identity',
  );
  const fields = { _token: token, _task: 'mail', _action: 'send', _id: id, _from: from };
  const letter = { _to: to, _subject: subject, _message: text, _is_html: '0', _framed: '1' };
  return (await request(place, '/?_task=mail&_framed=1', { ...fields, ...letter })).body;
}

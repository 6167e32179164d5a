// The closed list: all that `mailctl web`, which faces the internet without rights, may ask of `mailctl serve`. serve
// checks every request against it, whatever web has checked before. Pure.

import {
  boolean,
  type InferOutput,
  ip,
  literal,
  maxBytes,
  maxLength,
  optional,
  picklist,
  pipe,
  regex,
  strictObject,
  string,
  variant,
} from 'valibot';

/** 256 random bits in base64url: of an invitation or a session. */
const token = pipe(string(), regex(/^[A-Za-z0-9_-]{43}$/));
/** RFC 5321 4.5.3.1.3, with room for what a person may type around it. */
const address = pipe(string(), maxBytes(320));
const password = pipe(string(), maxBytes(1024));
/** Of an app password. */
const id = pipe(string(), regex(/^[0-9a-f]{16}$/));
const name = pipe(string(), maxBytes(400));
const use = picklist(['all', 'read', 'send']);
/** The client's address as nginx has seen it: for limits and the log, never for a permission. */
const from = pipe(string(), maxLength(45), ip());

export const REQUEST = variant('ask', [
  strictObject({ ask: literal('server') }),
  strictObject({ ask: literal('invitation'), token, from }),
  strictObject({ ask: literal('redeem'), token, password, from }),
  strictObject({ ask: literal('sign-in'), address, password, from }),
  strictObject({ ask: literal('account'), session: token, from }),
  strictObject({ ask: literal('set-password'), session: token, old: password, password, from }),
  strictObject({ ask: literal('add-app-password'), session: token, password, name, use, from }),
  strictObject({ ask: literal('remove-app-password'), session: token, id, from }),
  strictObject({
    ask: literal('require-app-passwords'),
    session: token,
    password,
    on: boolean(),
    from,
  }),
  strictObject({
    ask: literal('sign-out'),
    session: token,
    everywhere: optional(literal(true)),
    from,
  }),
]);

export type Request = InferOutput<typeof REQUEST>;
export type Ask = Request['ask'];
export type Of<A extends Ask> = Extract<Request, { ask: A }>;

/** The ports at which mail programs find the services; null where one is off. */
export interface ClientPorts {
  readonly imaps: number | null;
  readonly imap: number | null;
  readonly pop3s: number | null;
  readonly pop3: number | null;
  readonly smtps: number | null;
  readonly submission: number | null;
}

/** What everybody may know of the server. */
export interface ServerFacts {
  readonly hostname: string;
  /** Sorted. */
  readonly domains: readonly string[];
  readonly ports: ClientPorts;
  /** The MTA-STS policy (RFC 8461 3.2); null when there is none. */
  readonly mtaSts: string | null;
}

/** The owner of a mailbox. */
export interface Person {
  readonly address: string;
  readonly name: string | null;
}

export interface Use {
  /** RFC 3339. */
  readonly at: string;
  /** IP address; null when it is not known. */
  readonly from: string | null;
  /** Such as imap or smtp. */
  readonly protocol: string;
}

export interface AppPasswordFacts {
  readonly id: string;
  readonly name: string;
  readonly use: 'all' | 'read' | 'send';
  /** RFC 3339. */
  readonly created: string;
  readonly lastUse: Use | null;
}

/** A mailbox as its owner sees it. */
export interface AccountFacts extends Person {
  /** Of the password of the mailbox, in mail programs. */
  readonly lastUse: Use | null;
  readonly appPasswords: readonly AppPasswordFacts[];
  /** The password of the mailbox opens the account pages, and no mail program. */
  readonly appPasswordsOnly: boolean;
}

export interface Answers {
  readonly server: ServerFacts;
  readonly invitation: Person;
  readonly redeem: Person;
  readonly 'sign-in': { readonly session: string };
  readonly account: AccountFacts;
  /** A new session: the former ones have ended. */
  readonly 'set-password': { readonly session: string };
  /** The app password, which is shown this once. */
  readonly 'add-app-password': { readonly password: string };
  readonly 'remove-app-password': Person;
  readonly 'require-app-passwords': Person;
  readonly 'sign-out': Person;
}

/**
 * `malformed`: not on the list. `link`: no such invitation, or used, or expired. `login`: address or password is wrong.
 * `session`: no such session, or ended. `password`: unfit as a new one. `later`: too many attempts. `busy`: the
 * accounts are locked, or too many requests wait. `name`: not a name for an app password, taken, or one too many.
 * `failed`: the reason is in the log of serve.
 */
export type Refusal =
  | 'malformed'
  | 'link'
  | 'login'
  | 'session'
  | 'password'
  | 'name'
  | 'later'
  | 'busy'
  | 'failed';

export type Reply<A extends Ask = Ask> =
  | { readonly ok: true; readonly answer: Answers[A] }
  | { readonly ok: false; readonly refusal: Refusal };

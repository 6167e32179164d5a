// Users and groups inside the container. Their numbers are fixed, so that files in the data folder keep their
// owner across image upgrades; lxc-template/mail/ids and web/ids create the same users in the images.

/** A user and its group of the same name; `postdrop` is a group only. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export type AccountName =
  | 'root'
  | 'postfix'
  | 'postdrop'
  | 'dovecot'
  | 'dovenull'
  | '_rspamd'
  | 'opendkim'
  | 'valkey'
  | 'unbound'
  | 'clamav'
  | 'log'
  | 'postsrsd'
  | 'vmail'
  | 'nginx'
  | 'roundcube';

const account = (id: number): Account => ({ uid: id, gid: id });

/** Number of user and group ids that the container has. */
export const ID_RANGE = 65_536;

/** Ids inside the container; on the host they are shifted by `idmap_base`. */
export const ids: Readonly<Record<AccountName, Account>> = {
  root: account(0),
  postfix: account(201),
  postdrop: account(202),
  dovecot: account(203),
  dovenull: account(204),
  _rspamd: account(205),
  opendkim: account(206),
  valkey: account(207),
  unbound: account(208),
  clamav: account(209),
  log: account(210),
  postsrsd: account(211),
  vmail: account(5000),
  nginx: account(221),
  roundcube: account(222),
};

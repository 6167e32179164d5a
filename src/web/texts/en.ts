// The pages in English; the other languages have the same texts. A name in braces is replaced.

export const en = {
  language: 'en',
  product: 'Mail on {hostname}',
  backToAccount: 'Back to the account',
  signIn: 'Sign in',
  signOut: 'Sign out',

  invitationTitle: 'Choose your password',
  invitationIntro: 'This is your mailbox: {address}. Choose a password that only you know.',
  newPassword: 'New password',
  repeatPassword: 'Repeat the new password',
  passwordRule:
    'At least 8 characters. Several unrelated words make a good password. Common passwords are refused.',
  setPassword: 'Set the password',
  readyTitle: 'Your mailbox is ready',
  readyIntro: 'The password of {address} is set. This link no longer works.',

  settingsTitle: 'Set up a mail program',
  settingsIntro:
    'Most mail programs find these settings when they are given the address and the password.',
  settingService: 'Service',
  settingServer: 'Server',
  settingPort: 'Port',
  settingSecurity: 'Security',
  settingReceive: 'Receive (IMAP)',
  settingReceivePop: 'Receive (POP3)',
  settingSend: 'Send (SMTP)',
  userName: 'User name: {address}',
  profile: 'Set up an iPhone, iPad or Mac',
  profileIntro:
    'Scan the code with the device, or open the link on it, and install the profile in the settings.',

  signInTitle: 'Sign in to your account',
  address: 'Mail address',
  password: 'Password',
  signedOut: 'You have signed out.',

  accountTitle: 'Your account',
  accountIntro: 'Mailbox: {address}',
  changeTitle: 'Change the password',
  currentPassword: 'Current password',
  changePassword: 'Change the password',
  passwordChanged:
    'The password is changed. Mail programs and other devices have to sign in again.',
  everywhereTitle: 'Sign out everywhere',
  everywhereIntro:
    'Ends every session of these pages, and the open connections of mail programs. A mail program that has stored the password connects again: change the password to lock it out.',
  everywhere: 'Sign out everywhere',

  appTitle: 'App passwords',
  appIntro:
    'A password of its own for each device or program: it can be revoked without touching the others.',
  appName: 'Name, such as “phone”',
  appUse: 'It may',
  appUseAll: 'receive and send mail',
  appUseRead: 'only receive mail',
  appUseSend: 'only send mail',
  appAdd: 'Make an app password',
  appRevoke: 'Revoke',
  appRevoked: 'The app password is revoked, and its connections are closed.',
  appCreated: 'created {date}',
  appUsed: 'used {date} from {from} ({protocol})',
  appUnused: 'never used',
  appNewTitle: 'Your new app password',
  appNew: 'Enter it in the program “{name}”. It is shown this once.',
  appRequired:
    'Mail programs need an app password. The password of the mailbox opens these pages only.',
  appNotRequired: 'Mail programs may also use the password of the mailbox.',
  appRequire: 'Accept app passwords only',
  appRelease: 'Accept the password of the mailbox again',
  lastUse: 'Last used in a mail program: {date} from {from} ({protocol})',

  problemDiffer: 'The two passwords differ.',
  problemUnfit: 'This password is too short or too common. Choose another one.',
  problemLogin: 'Address or password is wrong.',
  problemCurrent: 'The current password is wrong.',
  problemName:
    'This name is empty, too long or taken already, or there are too many app passwords.',

  linkTitle: 'This link is not valid',
  link: 'It has been used, is older than two days, or a newer one has replaced it. Ask your administrator for a new link.',
  sessionTitle: 'You are not signed in',
  session: 'Your session has ended. Sign in again.',
  laterTitle: 'Too many attempts',
  later: 'Too many attempts have failed. Try again later.',
  busyTitle: 'The server is busy',
  busy: 'Nothing was changed. Try again in a minute.',
  awayTitle: 'The server is being restarted',
  away: 'These pages cannot reach the mail server at the moment. Nothing was changed. Try again in a minute.',
  failedTitle: 'Something went wrong',
  failed: 'The server could not answer. Its administrator finds the reason in the log.',
  malformedTitle: 'The request is not valid',
  malformed: 'The form was incomplete, or was not sent by this page. Open the page again.',
  missingTitle: 'There is no such page',
  missing: 'The address may be misspelled.',
  foreignTitle: 'Not a name of this server',
  foreign: 'This server does not answer under that name.',
};

export type Texts = { readonly [K in keyof typeof en]: string };

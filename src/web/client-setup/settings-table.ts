// The settings of a mail program in words, for those that do not find them.

import { html, raw } from 'hono/html';
import { renderSVG } from 'uqr';
import type { ServerFacts } from '../../front/requests.ts';
import { fill } from '../language.ts';
import type { Markup } from '../page.ts';
import type { Texts } from '../texts/en.ts';
import { type ClientServer, preferredServers } from './servers.ts';

const labelOf = (texts: Texts, { protocol }: ClientServer): string =>
  ({ imap: texts.settingReceive, pop3: texts.settingReceivePop, smtp: texts.settingSend })[
    protocol
  ];

export function settingsTable(
  texts: Texts,
  { hostname, ports }: ServerFacts,
  address: string,
): Markup {
  const { receive, send } = preferredServers(ports);
  const servers = [receive, send].filter((server) => server !== null);
  const rows = servers.map(
    (server) =>
      html`<tr><th scope="row">${labelOf(texts, server)}</th><td>${hostname}</td><td>${server.port}</td><td>${server.security}</td></tr>`,
  );
  const profile = `/profile?address=${encodeURIComponent(address)}`;
  // built from numbers by the library: markup that is safe as it is
  const code = raw(renderSVG(`https://${hostname}${profile}`, { border: 2 }));
  return html`<section>
<h2>${texts.settingsTitle}</h2>
<p>${texts.settingsIntro}</p>
<div class="wide"><table>
<thead><tr><th scope="col">${texts.settingService}</th><th scope="col">${texts.settingServer}</th><th scope="col">${texts.settingPort}</th><th scope="col">${texts.settingSecurity}</th></tr></thead>
<tbody>${rows}</tbody>
</table></div>
<p class="address">${fill(texts.userName, { address })}</p>
<div class="code">${code}<p><a href="${profile}">${texts.profile}</a><br>${texts.profileIntro}</p></div>
</section>`;
}

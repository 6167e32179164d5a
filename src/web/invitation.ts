// The page behind a link of `mailctl user invite`: a person chooses the password of the mailbox. Opening the page uses
// nothing up, since mail filters open links too; setting the password does.

import { Hono } from 'hono';
import { html } from 'hono/html';
import { settingsTable } from './client-setup/settings-table.ts';
import { fill } from './language.ts';
import { hiddenUserName, newPasswordFields, problemLine } from './page.ts';
import { readForm, showFault, showPage, type Variables, type Visit } from './visit.ts';

function showForm(visit: Visit, address: string, problem: string | null) {
  const { texts } = visit.var;
  const content = html`<section>
${problemLine(problem)}
<p class="address">${fill(texts.invitationIntro, { address })}</p>
<form method="post">
${hiddenUserName(address)}
${newPasswordFields(texts)}
<button>${texts.setPassword}</button>
</form>
</section>`;
  const status = problem === null ? 200 : 400;
  return showPage(visit, { title: texts.invitationTitle, content, status });
}

function showReady(visit: Visit, address: string) {
  const { texts, facts } = visit.var;
  const content = html`<section>
<p class="address">${fill(texts.readyIntro, { address })}</p>
<p><a href="/account">${texts.accountTitle}</a></p>
</section>
${settingsTable(texts, facts, address)}`;
  return showPage(visit, { title: texts.readyTitle, content });
}

async function openLink(visit: Visit, token: string) {
  const { desk, from } = visit.var;
  return desk.ask<'invitation'>({ ask: 'invitation', token, from });
}

async function choosePassword(visit: Visit, token: string) {
  const { desk, from, texts } = visit.var;
  const opened = await openLink(visit, token);
  if (!opened?.ok) return showFault(visit, opened?.refusal ?? 'away');
  const { address } = opened.answer;
  const form = await readForm(visit);
  const password = form('password');
  if (password === null) return showFault(visit, 'malformed');
  if (password !== form('repeat')) return showForm(visit, address, texts.problemDiffer);
  const reply = await desk.ask<'redeem'>({ ask: 'redeem', token, password, from });
  if (reply?.ok) return showReady(visit, reply.answer.address);
  if (reply?.refusal === 'password') return showForm(visit, address, texts.problemUnfit);
  return showFault(visit, reply?.refusal ?? 'away');
}

export const invitation = new Hono<{ Variables: Variables }>()
  .get('/:token', async (visit) => {
    const reply = await openLink(visit, visit.req.param('token'));
    if (!reply?.ok) return showFault(visit, reply?.refusal ?? 'away');
    return showForm(visit, reply.answer.address, null);
  })
  .post('/:token', (visit) => choosePassword(visit, visit.req.param('token')));

// Makes untrusted text safe for a terminal. Pure.

const COLOUR = String.raw`\p{Cc}\[[0-9;]*m`;
// every control character (C0, DEL, C1) except tab and line feed: they could control the operator's terminal
const CONTROLS = /(?![\t\n])\p{Cc}/gu;
const CONTROLS_BUT_COLOURS = new RegExp(`(?![\\t\\n])(?!${COLOUR})\\p{Cc}`, 'gu');
const COLOURS = new RegExp(COLOUR, 'gu');

export function withoutControls(text: string): string {
  return text.replace(CONTROLS, '');
}

/** Keeps escape sequences for colours in chalk's form. */
export function withoutOtherControls(text: string): string {
  return text.replace(CONTROLS_BUT_COLOURS, '');
}

export function withoutColours(text: string): string {
  return text.replace(COLOURS, '');
}

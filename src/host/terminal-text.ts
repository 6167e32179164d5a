// Text from elsewhere, fit for a terminal. Pure.

const COLOUR = String.raw`\p{Cc}\[[0-9;]*m`;
// every control character (C0, DEL, C1) but tab and line feed: they could drive the operator's terminal
const CONTROLS = /(?![\t\n])\p{Cc}/gu;
const CONTROLS_BUT_COLOURS = new RegExp(`(?![\\t\\n])(?!${COLOUR})\\p{Cc}`, 'gu');
const COLOURS = new RegExp(COLOUR, 'gu');

export function withoutControls(text: string): string {
  return text.replace(CONTROLS, '');
}

/** Keeps the escapes that set colours, as chalk writes them. */
export function withoutOtherControls(text: string): string {
  return text.replace(CONTROLS_BUT_COLOURS, '');
}

export function withoutColours(text: string): string {
  return text.replace(COLOURS, '');
}

// Streams of a transfer: one that passes no faster than the operator allows, so that a backup leaves room on a thin line,
// and one that is small enough for memory.

import type { Host } from '../../host/host.ts';

interface Pace {
  /** Bytes a second; null for no limit. */
  readonly rate: number | null;
  /** Called with all bytes so far. */
  readonly passed: (bytes: number) => void;
}

export async function* paced(
  { clock }: Pick<Host, 'clock'>,
  pieces: AsyncIterable<Uint8Array>,
  { rate, passed }: Pace,
): AsyncGenerator<Uint8Array> {
  const started = clock.now().getTime();
  let bytes = 0;
  for await (const piece of pieces) {
    yield piece;
    bytes += piece.length;
    passed(bytes);
    if (rate === null) continue;
    const early = started + (bytes / rate) * 1000 - clock.now().getTime();
    // a clock that is set back must not stop the transfer
    if (early > 0) await clock.sleep(Math.min(early, (piece.length / rate) * 1000));
  }
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

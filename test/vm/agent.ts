// Runs scripts through the agent of the machine (root/sbin/agent): one line with an id for each, and one line back with
// the same id, the status and the output. The port is a pipe: nothing is lost while both ends are open.

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Agent {
  /** Throws when the script has not ended in time (milliseconds). */
  run(script: string, timeout: number): Promise<Answer>;
  /** Waits for the next boot. */
  ready(timeout: number): Promise<void>;
}

type Match = (line: string) => boolean;

/** Lines as they come, each to the one that waits for it; the others are dropped. */
function lineQueue() {
  const lines: string[] = [];
  let rest = '';
  let wake: () => void = () => undefined;
  return {
    feed: (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      wake();
    },
    next: async (wanted: Match, timeout: number): Promise<string> => {
      const deadline = Date.now() + timeout;
      for (;;) {
        while (lines.length > 0) {
          const line = lines.shift() ?? '';
          if (wanted(line)) return line;
        }
        const left = deadline - Date.now();
        if (left <= 0) throw new Error(`the machine was silent for ${timeout / 1000} s`);
        const called = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([called, Bun.sleep(Math.min(left, 1000))]);
      }
    },
  };
}

async function connect(path: string, feed: (text: string) => void) {
  const decoder = new TextDecoder();
  for (let tries = 0; ; tries += 1) {
    try {
      return await Bun.connect({
        unix: path,
        socket: { data: (_, bytes) => feed(decoder.decode(bytes, { stream: true })) },
      });
    } catch (error) {
      if (tries === 100) throw error;
      await Bun.sleep(100);
    }
  }
}

function parseAnswer(line: string): Answer {
  const [, , status = '', length = '', encoded = ''] = line.split(' ');
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== Number(length))
    throw new Error(`${bytes.length} bytes of an answer of ${length} arrived`);
  return { status: Number(status), text: bytes.toString() };
}

/** @param path of the socket that QEMU makes of the port */
export async function openAgent(path: string): Promise<Agent> {
  const queue = lineQueue();
  const socket = await connect(path, queue.feed);
  let last = 0;
  /** The end of a long line, which the socket takes when QEMU has read the beginning. */
  const write = async (line: string) => {
    for (let rest = Buffer.from(line); rest.length > 0; ) {
      const taken = socket.write(rest);
      rest = rest.subarray(taken);
      if (rest.length > 0) await Bun.sleep(10);
    }
  };
  return {
    run: async (script, timeout) => {
      last += 1;
      const id = last;
      await write(`${id} ${Buffer.from(script).toString('base64')}\n`);
      // a late answer to an earlier script has another id
      return parseAnswer(await queue.next((line) => line.startsWith(`answer ${id} `), timeout));
    },
    ready: async (timeout) => {
      await queue.next((line) => line === 'ready', timeout);
    },
  };
}

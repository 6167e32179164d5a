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

/** Each line goes to the one that waits for it; a line that is expected later is kept. */
function lineQueue() {
  const lines: string[] = [];
  const waiting = new Set<{ wanted: Match; take: (line: string) => void }>();
  let rest = '';
  const give = (line: string) => {
    const one = [...waiting].find(({ wanted }) => wanted(line));
    if (one === undefined) return void lines.push(line);
    waiting.delete(one);
    one.take(line);
  };
  return {
    feed: (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      parts.forEach(give);
    },
    next: (wanted: Match, timeout: number) => {
      const place = lines.findIndex(wanted);
      if (place !== -1) return Promise.resolve(lines.splice(place, 1)[0] ?? '');
      return new Promise<string>((resolve, reject) => {
        const one = { wanted, take: resolve };
        waiting.add(one);
        const refuse = () => {
          if (waiting.delete(one))
            reject(new Error(`the machine was silent for ${timeout / 1000} s`));
        };
        setTimeout(refuse, timeout).unref();
      });
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
